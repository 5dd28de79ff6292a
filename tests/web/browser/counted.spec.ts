// What a step of pre-training asks of the GPU. Whatever is read inside a step, or compiled in each, makes a
// fast card wait.
import { expect, test, type Page } from "./tab.js";

/** What /pages/counted.js counts. */
interface Asked {
  readonly shaders: number;
  readonly pipelines: number;
  readonly launches: number;
  readonly submits: number;
  readonly up: number;
  readonly down: number;
  readonly reads: number;
}

const BATCH = 8;

/** What the third step asks, once the first ones have compiled everything. */
const aStep = (tab: Page, imageSize: number): Promise<Asked> =>
  tab.evaluate(
    async ({ imageSize, batch }) => {
      const { kith, pictures } = lab;
      const worker = () => new Worker("/pages/counted.js", { type: "module" });
      const set = {
        "encoder.width": 4,
        "projection.hidden": "[8]",
        "projection.output": 8,
        "pretraining.unlabelled_batch": batch,
      };
      const plan = { imageSize, epochs: 1000, stepsPerEpoch: 1000, snapshotEvery: 0 };
      const config = { device: "webgpu", worker, recipe: "keras-simclr", set, ...plan } as const;
      const run = await kith.pretrain(pictures, config);
      const channel = new BroadcastChannel("count");
      const look = (): Promise<Asked> =>
        new Promise((done) => {
          channel.onmessage = ({ data }: MessageEvent<Asked>) => done(data);
          channel.postMessage("look");
        });
      const taken = async (steps: number): Promise<Asked> => {
        for await (const _ of run.steps(steps));
        return look();
      };
      const before = await taken(2);
      const after = await taken(1);
      await run.dispose();
      channel.close();
      const keys = Object.keys(after) as (keyof Asked)[];
      const asked = keys.map((key) => [key, after[key] - before[key]]);
      return Object.fromEntries(asked) as Asked;
    },
    { imageSize, batch: BATCH },
  );

test("a step sends each sample as a byte, compiles nothing and reads its metrics at once", async ({
  tab,
}) => {
  const [small, large] = [await aStep(tab, 32), await aStep(tab, 64)];
  for (const asked of [small, large]) {
    const { shaders, pipelines, reads } = asked;
    expect({ shaders, pipelines, reads }).toEqual({ shaders: 0, pipelines: 0, reads: 1 });
    expect(asked.down, "bytes read").toBeLessThanOrEqual(16_384);
    expect(asked.launches).toBeLessThanOrEqual(450);
    expect(asked.submits).toBeLessThanOrEqual(55);
  }
  const samples = BATCH * 3 * (64 ** 2 - 32 ** 2);
  expect(small.up, "bytes sent beside the samples").toBeLessThan(BATCH * 3 * 32 ** 2 + 25_000);
  const more = large.up - small.up;
  expect(more, "four times the samples").toBeGreaterThanOrEqual(samples);
  expect(more, "a byte each, and what larger views need").toBeLessThan(1.5 * samples);
});
