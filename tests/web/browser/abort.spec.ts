import { expect, test } from "./tab.js";

test("every long call can be given up at once", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, parity, pictures, names, codeOf } = lab;
    const from = "/parity/checkpoint.safetensors";
    const after = (ms: number) => {
      const control = new AbortController();
      setTimeout(() => control.abort(), ms);
      return control.signal;
    };
    // An engine of its own, which has to start first.
    const worker = () => new Worker("/dist/worker.js", { type: "module" });
    const encoder = await kith.loadEncoder(from, { device: "cpu" });
    const many = Array.from({ length: 4000 }, (_, i) => pictures[i % pictures.length]!);
    const rows = new Float32Array(400 * 64).map((_, i) => Math.sin(i));
    const embeddings = new kith.Embeddings(rows, 64);
    const labels = Array.from({ length: 400 }, (_, i) => names[i % 3]!);
    const run = await kith.pretrain(pictures, {
      device: "cpu",
      recipe: parity.pretraining.toml,
      labels: names,
    });
    const bank = await kith.Bank.create(embeddings, { encoder });
    const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
      probeDevice: (signal) => kith.probeDevice({ signal }),
      load: (signal) => kith.loadEncoder(from, { device: "cpu", worker, signal }),
      embed: (signal) => encoder.embed(many, { signal }),
      classify: (signal) => encoder.classify(many, { signal }),
      augment: (signal) => encoder.augment(pictures[0]!, { views: 500, signal }),
      probe: (signal) => kith.trainLinearProbe(embeddings, labels, { signal }).result,
      pretrain: (signal) => kith.pretrain(many, { device: "cpu", signal }),
      steps: async (signal) => {
        for await (const _ of run.steps(Infinity, { signal }));
      },
      pca: (signal) => kith.project(embeddings, { signal }),
      umap: (signal) => kith.project(embeddings, { method: "umap", signal }),
      nearest: (signal) => bank.nearest(embeddings, { k: 300, signal }),
    };
    const codes: Record<string, string[]> = {};
    for (const [name, call] of Object.entries(calls)) {
      const early = await codeOf(() => call(AbortSignal.abort()));
      const quick = ["probeDevice", "nearest", "pca", "probe"].includes(name);
      const late = quick ? "ABORTED" : await codeOf(() => call(after(15)));
      codes[name] = [early, late];
    }
    // Nothing that was given up stands in the way of what comes next.
    const next = [];
    for await (const step of run.steps(2)) next.push(Number.isFinite(step.loss));
    return { codes, next, count: (await encoder.embed(pictures)).count };
  });
  for (const [name, codes] of Object.entries(got.codes)) {
    expect(codes, name).toEqual(["ABORTED", "ABORTED"]);
  }
  expect(got.next).toEqual([true, true]);
  expect(got.count).toBe(16);
});
