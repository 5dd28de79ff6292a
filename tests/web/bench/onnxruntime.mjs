// onnxruntime-web on the same weights; it cannot train.
import { ENCODERS, SEARCH, pixels, planar, rows } from "./workloads.mjs";

const dist = new URL("node_modules/onnxruntime-web/dist/", import.meta.url).href;
const ort = await import(`${dist}ort.all.min.mjs`);
ort.env.wasm.wasmPaths = dist;
ort.env.wasm.numThreads = 1;

export const contenders = (device) => {
  const session = (model) =>
    ort.InferenceSession.create(model, {
      executionProviders: [device === "cpu" ? "wasm" : device],
    });
  return {
    embed: async ({ size, batch }) => {
      const { side } = ENCODERS[size];
      const encoder = await session(`models/${size}.onnx`);
      const images = planar(pixels(batch, side));
      return {
        run: async () => {
          const tensor = new ort.Tensor("float32", images, [batch, 3, side, side]);
          return (await encoder.run({ images: tensor })).features.data;
        },
        end: () => encoder.release(),
      };
    },
    search: async ({ size }) => {
      const { dim, counts } = SEARCH;
      const bank = await session(`models/search-${size}.onnx`);
      const query = rows(counts[size], dim).slice(5 * dim, 6 * dim);
      return {
        run: async () => {
          const queries = new ort.Tensor("float32", query, [1, dim]);
          const found = await bank.run({ queries });
          found.places.data;
          return found.similarities.data;
        },
        end: () => bank.release(),
      };
    },
  };
};
