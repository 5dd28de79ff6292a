// GPUs that refuse work or are taken away for good.
import { expect, test } from "./tab.js";

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("refused shaders are reported, and the CPU takes over where it may", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    const { kith, codeOf } = lab;
    const worker = () => new Worker("/pages/refused-shader.js", { type: "module" });
    const code = await codeOf(() => kith.loadEncoder(from, { device: "webgpu", worker }));
    const auto = await kith.loadEncoder(from, { allowSoftware: true, worker });
    return [code, auto.device.actual, auto.device.reason];
  }, CHECKPOINT);
  expect(got).toEqual(["GPU_ERROR", "cpu", "self-test-failed"]);
});

test("a device that is lost again and again is given up with its code", async ({ tab }) => {
  const code = await tab.evaluate(async (from) => {
    const worker = () => new Worker("/pages/always-lost.js", { type: "module" });
    return lab.codeOf(() => lab.kith.loadEncoder(from, { device: "webgpu", worker }));
  }, CHECKPOINT);
  expect(code).toBe("DEVICE_LOST");
});

test("a GPU without memory is told from a broken one: batches go in halves, and runs go on", async ({
  tab,
}) => {
  const got = await tab.evaluate(async (from) => {
    const { kith, pictures, codeOf } = lab;
    const worker = () => new Worker("/pages/little-gpu.js?most=1000", { type: "module" });
    const own = { device: "webgpu", worker } as const;
    const full = async () => {
      new BroadcastChannel("fill").postMessage("now");
      await new Promise((done) => setTimeout(done, 200));
    };
    const far = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
    const onCpu = await kith.loadEncoder(from, { device: "cpu" });
    const encoder = await kith.loadEncoder(from, { ...own, warmup: false });
    await full();
    const one = await codeOf(() => encoder.embed(pictures[0]!));
    // The worker that comes next has memory, until it is told.
    await encoder.embed(pictures[0]!);
    await full();
    const halves = far((await encoder.embed(pictures)).data, (await onCpu.embed(pictures)).data);
    await encoder.dispose();

    const set = {
      "encoder.width": 4,
      "pretraining.unlabelled_batch": 4,
      "pretraining.views": "none",
    };
    const config = { recipe: "simclr", set, stepsPerEpoch: 3, epochs: 1, snapshotEvery: 2 };
    const losses = async (run: Awaited<ReturnType<typeof kith.pretrain>>, n: number) => {
      const losses: number[] = [];
      for await (const { loss } of run.steps(n)) losses.push(loss);
      return losses;
    };
    const expected = await losses(await kith.pretrain(pictures, { ...config, device: "cpu" }), 3);
    const run = await kith.pretrain(pictures, { ...config, ...own });
    await full();
    const step = await codeOf(() => losses(run, 1));
    const trained = far(await losses(run, 3), expected);
    await run.dispose();
    return { one, step, far: [halves, trained], device: run.device.actual };
  }, CHECKPOINT);
  expect([got.one, got.step, got.device]).toEqual(["OUT_OF_MEMORY", "OUT_OF_MEMORY", "webgpu"]);
  const [halves, trained] = got.far;
  expect(halves).toBeLessThan(1e-5);
  // As far as three undisturbed steps are from the CPU's.
  expect(trained).toBeLessThan(1e-2);
});
