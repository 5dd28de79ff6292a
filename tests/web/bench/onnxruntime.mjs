// onnxruntime-web on the same weights; it cannot train.
import { BROUGHT, ENCODERS, SEARCH, fileOf, pixels, planar, rows } from "./workloads.mjs";

const dist = new URL("node_modules/onnxruntime-web/dist/", import.meta.url).href;
const ort = await import(`${dist}ort.all.min.mjs`);
ort.env.wasm.wasmPaths = dist;
ort.env.wasm.numThreads = 1;

export const contenders = (device) => {
  const session = (model) =>
    ort.InferenceSession.create(model, {
      executionProviders: [device === "cpu" ? "wasm" : device],
    });
  const features = async ({ size, batch }) => {
    const { side } = ENCODERS[size] ?? BROUGHT[size];
    const encoder = await session(`models/${fileOf(size)}.onnx`);
    const [input, output] = [encoder.inputNames[0], encoder.outputNames[0]];
    const images = planar(pixels(batch, side));
    return {
      run: async () => {
        const tensor = new ort.Tensor("float32", images, [batch, 3, side, side]);
        return (await encoder.run({ [input]: tensor }))[output].data;
      },
      end: () => encoder.release(),
    };
  };
  return {
    embed: features,
    network: features,
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
