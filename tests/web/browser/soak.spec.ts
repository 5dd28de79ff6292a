// Memory stays flat however long a tab computes. KITH_SOAK=full takes the long form.
import { expect, test } from "./tab.js";

const full = process.env.KITH_SOAK === "full";

interface Form {
  readonly device: "cpu" | "webgpu";
  readonly width: number;
  readonly side: number;
  readonly embeddings: number;
  readonly steps: number;
}

/** The engine keeps buffers for work that comes again; by then it has all it needs. */
const warmUp: [number, number] = full ? [640, 50] : [64, 12];
const most = { embeddings: 2000, steps: 200 };
const small = { width: 16, side: 32 };
const forms: Form[] = [
  full
    ? { device: "cpu", width: 128, side: 96, ...most }
    : { device: "cpu", ...small, embeddings: 400, steps: 20 },
  { device: "webgpu", ...small, ...(full ? most : { embeddings: 64, steps: 3 }) },
];

for (const { device, width, side, embeddings, steps } of forms) {
  test(`memory on ${device} is flat after warm-up`, async ({ tab }) => {
    test.setTimeout(full ? 3_600_000 : 300_000);
    const heap = async () => {
      const cdp = await tab.context().newCDPSession(tab);
      await cdp.send("HeapProfiler.collectGarbage");
      return (await cdp.send("Runtime.getHeapUsage")).usedSize;
    };
    const measure = async () => ({ heap: await heap(), ...(await tab.evaluate(() => look())) });
    await tab.evaluate(
      async ({ device, width, side }) => {
        const { kith, pictures } = lab;
        const worker = () => new Worker("/pages/watched.js", { type: "module" });
        const set = {
          "encoder.width": width,
          "pretraining.unlabelled_batch": 8,
          "pretraining.views": "none",
        };
        const plan = { imageSize: side, epochs: 1000, stepsPerEpoch: 10, snapshotEvery: 0 };
        const config = { device, worker, recipe: "simclr", set, ...plan };
        const run = await kith.pretrain(pictures, config);
        const encoder = await kith.loadEncoder(await run.checkpoint(), { device, worker });
        const channel = new BroadcastChannel("watch");
        const look = () =>
          new Promise<{ wasm: number; buffers: number }>((done) => {
            const seen = { wasm: 0, buffers: 0 };
            channel.onmessage = ({ data }) => {
              seen.wasm += data.wasm;
              seen.buffers += data.buffers;
            };
            channel.postMessage("look");
            setTimeout(() => done(seen), 200);
          });
        const work = async (embeddings: number, steps: number) => {
          for (let done = 0; done < embeddings; done += 16) await encoder.embed(pictures);
          for await (const _ of run.steps(steps));
        };
        Object.assign(globalThis, { look, work });
      },
      { device, width, side },
    );
    const work = ([embeddings, steps]: [number, number]) => globalThis.work(embeddings, steps);
    await tab.evaluate(work, warmUp);
    const before = await measure();
    await tab.evaluate(work, [embeddings, steps] as [number, number]);
    const after = await measure();
    console.log(
      `${device}: ${embeddings} embeddings, ${steps} steps: ${told(before)} -> ${told(after)}`,
    );
    expect(after.wasm).toBeLessThanOrEqual(before.wasm * 1.1);
    expect(after.buffers).toBeLessThanOrEqual(before.buffers * 1.1 + 4);
    expect(after.heap).toBeLessThan(before.heap * 1.2 + 2e6);
  });
}

const told = ({ wasm, buffers, heap }: { wasm: number; buffers: number; heap: number }) =>
  `wasm ${(wasm / 1e6).toFixed(1)} MB, ${buffers} GPU buffers, heap ${(heap / 1e6).toFixed(1)} MB`;

declare global {
  function look(): Promise<{ wasm: number; buffers: number }>;
  function work(embeddings: number, steps: number): Promise<void>;
}
