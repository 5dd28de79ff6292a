// kith-web, as a page uses it: pictures in, numbers out, through its worker.
import {
  BROUGHT,
  ENCODERS,
  SEARCH,
  TRAINING,
  fileOf,
  interleaved,
  pixels,
  rows,
} from "./workloads.mjs";

const kith = await import(new URL("../dist/index.js", import.meta.url).href);

export const contenders = (device) => ({
  embed: (workload) => features(device, workload),
  network: (workload) => features(device, workload),
  search: async ({ size }) => {
    const { dim, k, counts } = SEARCH;
    const all = rows(counts[size], dim);
    const bank = await kith.Bank.create(new kith.Embeddings(all, dim), { device });
    const query = all.slice(5 * dim, 6 * dim);
    return {
      run: async () => (await bank.nearest(query, { k })).similarities,
      end: () => bank.dispose(),
    };
  },
  train: async ({ size }) => {
    const { width, side } = ENCODERS[size];
    const { batch, temperature } = TRAINING[size];
    const run = await kith.pretrain(picturesOf(batch, side), {
      device,
      recipe: "keras-simclr",
      imageSize: side,
      stepsPerEpoch: 1000,
      epochs: 1000,
      snapshotEvery: 0,
      set: {
        "encoder.width": width,
        "projection.hidden": `[${width}]`,
        "projection.output": width,
        "objective.temperature": temperature,
        "pretraining.unlabelled_batch": batch,
        "pretraining.views": "none",
      },
    });
    return {
      run: async () => {
        for await (const { loss } of run.steps(1)) return [loss];
      },
      end: () => run.dispose(),
      // Its weights are drawn by itself: nothing to compare.
      own: true,
    };
  },
});

async function features(device, { size, batch }) {
  const { side } = ENCODERS[size] ?? BROUGHT[size];
  const encoder = await kith.loadEncoder(`models/${fileOf(size)}.safetensors`, { device });
  const pictures = picturesOf(batch, side);
  return {
    run: async () => (await encoder.embed(pictures, { normalize: false })).data,
    end: () => encoder.dispose(),
  };
}

function picturesOf(count, side) {
  const all = interleaved(pixels(count, side), count, side);
  const length = 3 * side * side;
  return Array.from({ length: count }, (_, place) => ({
    data: all.slice(place * length, (place + 1) * length),
    width: side,
    height: side,
    channels: 3,
  }));
}
