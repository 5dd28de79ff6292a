// Memory stays flat however long a tab computes. KITH_SOAK=full takes the long form, KITH_SOAK_SECONDS
// says how long the first two tests go on at least, KITH_SOAK_SEED when calls are given up.
import { told, watched, type Memory } from "./memory.js";
import { expect, test } from "./tab.js";

/** A number of the environment. */
function given(name: string, otherwise: number): number {
  const text = process.env[name] ?? String(otherwise);
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`${name}: expected a whole number, got ${text}`);
}

const full = process.env.KITH_SOAK === "full";
const seconds = given("KITH_SOAK_SECONDS", 0);
const seed = given("KITH_SOAK_SEED", 1);
const CHECKPOINT = "/parity/checkpoint.safetensors";

/**
 * What grew is more than noise, and more than buffers that are kept for work that comes again. WebAssembly's
 * memory may take one more array, of so many bytes.
 */
function flat(what: string, before: Memory, after: Memory, array = 0): void {
  console.log(`${what}: ${told(before)} -> ${told(after)}`);
  expect(after.workers).toBe(before.workers);
  expect(after.wasm).toBeLessThanOrEqual(before.wasm + Math.max(before.wasm * 0.1, array));
  expect(after.buffers).toBeLessThanOrEqual(before.buffers * 1.1 + 4);
  expect(after.heap).toBeLessThan(before.heap + 1e6);
  expect(after.workerHeap).toBeLessThan(before.workerHeap + 1e6);
}

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

test.setTimeout((full ? 3_600_000 : 300_000) + 2000 * seconds);

for (const { device, width, side, embeddings, steps } of forms) {
  test(`memory on ${device} is flat after warm-up`, async ({ tab }) => {
    const measure = await watched(tab);
    await tab.evaluate(
      async ({ device, width, side }) => {
        const { kith, pictures } = lab;
        const worker = () => new Worker("/pages/watched.js", { type: "module" });
        const set = {
          "encoder.width": width,
          "pretraining.unlabelled_batch": 8,
          "pretraining.views": "none",
        };
        const plan = { imageSize: side, epochs: 100_000, stepsPerEpoch: 10, snapshotEvery: 0 };
        const config = { device, worker, recipe: "simclr", set, ...plan };
        const run = await kith.pretrain(pictures, config);
        const opened = async () => kith.loadEncoder(await run.checkpoint(), { device, worker });
        const encoder = await opened();
        const work = async (embeddings: number, steps: number) => {
          for (let done = 0; done < embeddings; done += 16) await encoder.embed(pictures);
          for await (const _ of run.steps(steps));
          const learnt = await opened();
          await learnt.embed(pictures.slice(0, 4));
          await learnt.dispose();
        };
        Object.assign(globalThis, { work });
      },
      { device, width, side },
    );
    const work = ([embeddings, steps]: [number, number]) => globalThis.work(embeddings, steps);
    await tab.evaluate(work, warmUp);
    const before = await measure();
    const ends = Date.now() + 1000 * seconds;
    let turns = 0;
    do {
      await tab.evaluate(work, [embeddings, steps] as [number, number]);
      turns += 1;
      const done = `${device}, ${turns * embeddings} embeddings, ${turns * steps} steps`;
      // In the long run, the largest array finds no place between smaller ones: maps of sixteen images.
      const largest = 4 * 16 * width * (side / 2) ** 2;
      flat(done, before, await measure(), seconds > 0 ? largest : 0);
    } while (Date.now() < ends);
  });
}

const cycles = full ? 100 : 10;

test("encoders that are opened and let go leave nothing behind", async ({ tab }) => {
  const measure = await watched(tab);
  const cycle = async ([from, times]: [string, number]) => {
    const { kith, pictures } = lab;
    const worker = () => new Worker("/pages/watched.js", { type: "module" });
    for (let time = 0; time < times; time += 1) {
      // Each in a worker of its own, and in the one that all share.
      for (const own of [{ worker }, {}]) {
        const encoder = await kith.loadEncoder(from, { device: "cpu", ...own });
        await encoder.embed(pictures.slice(0, 4));
        await encoder.dispose();
      }
    }
  };
  await tab.evaluate(cycle, [CHECKPOINT, 3] as [string, number]);
  const before = await measure();
  await tab.evaluate(cycle, [CHECKPOINT, cycles] as [string, number]);
  const after = await measure();
  flat(`${cycles} encoders opened and let go, twice`, before, after);
  expect(after.workers).toBe(0);
});

const calls = full ? 10_000 : 300;

test("calls that are given up at any moment leave nothing behind", async ({ tab }) => {
  const measure = await watched(tab);
  await tab.evaluate(
    async ([from, seed]) => {
      const { kith, pictures } = lab;
      const worker = () => new Worker("/pages/watched.js", { type: "module" });
      const encoder = await kith.loadEncoder(from, { device: "cpu", worker });
      let state = seed;
      const drawn = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const call = async (): Promise<string> => {
        const control = new AbortController();
        const timer = drawn() < 0.5 && setTimeout(() => control.abort(), 4 * drawn());
        const some = pictures.slice(0, 1 + Math.floor(4 * drawn()));
        const options = { batchSize: 1, signal: control.signal };
        try {
          await encoder.embed(some, options);
          return "done";
        } catch (error) {
          return (error as { code: string }).code;
        } finally {
          if (timer) clearTimeout(timer);
        }
      };
      Object.assign(globalThis, {
        abort: async (calls: number) => {
          const outcomes: Record<string, number> = {};
          for (let made = 0; made < calls; made += 1) {
            const outcome = await call();
            outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          }
          return outcomes;
        },
      });
    },
    [CHECKPOINT, seed] as [string, number],
  );
  await tab.evaluate(() => globalThis.abort(100));
  const before = await measure();
  const outcomes = await tab.evaluate((calls) => globalThis.abort(calls), calls);
  flat(`${calls} calls, ${JSON.stringify(outcomes)}`, before, await measure());
  expect(Object.keys(outcomes).sort(), "some of each").toEqual(["ABORTED", "done"]);
});

declare global {
  function work(embeddings: number, steps: number): Promise<void>;
  function abort(calls: number): Promise<Record<string, number>>;
}
