import { parityOn } from "./parity.js";
import { expect, test } from "./tab.js";

parityOn("webgpu");

test("a software adapter is named and left to those who ask for it", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith } = lab;
    const auto = await kith.probeDevice();
    const allowed = await kith.probeDevice({ allowSoftware: true });
    const asked = await kith.probeDevice({ device: "webgpu" });
    return [auto.actual, auto.reason, auto.adapter?.isFallback, allowed.actual, asked.actual];
  });
  expect(got).toEqual(["cpu", "software-adapter", true, "webgpu", "webgpu"]);
});

test("a device that computes wrong numbers is not used", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, codeOf } = lab;
    const worker = () => new Worker("/pages/wrong-numbers.js", { type: "module" });
    const from = "/parity/checkpoint.safetensors";
    const auto = await kith.loadEncoder(from, { worker, allowSoftware: true });
    const code = await codeOf(() => kith.loadEncoder(from, { worker, device: "webgpu" }));
    return [auto.device.actual, auto.device.reason, code];
  });
  expect(got).toEqual(["cpu", "self-test-failed", "SELF_TEST_FAILED"]);
});

test("a device that computes wrong gradients embeds, and leaves training to the CPU", async ({
  tab,
}) => {
  // In front of the package's worker, so that all share one engine.
  await tab.route("**/dist/worker.js", async (route) => {
    const response = await route.fetch();
    const wrong = 'import "/pages/wrong-gradients.js";\n';
    await route.fulfill({ response, body: wrong + (await response.text()) });
  });
  const got = await tab.evaluate(async () => {
    const { kith, pictures, names, codeOf } = lab;
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "webgpu" });
    const config = {
      recipe: "simclr",
      set: { "encoder.width": 4, "pretraining.unlabelled_batch": 4 },
      stepsPerEpoch: 1,
    } as const;
    const refused = await codeOf(() => kith.pretrain(pictures, { ...config, device: "webgpu" }));
    const run = await kith.pretrain(pictures, { ...config, allowSoftware: true });
    const { actual, reason } = run.device;
    await run.dispose();
    const embedded = await encoder.embed(pictures);
    const probe = await kith.trainLinearProbe(embedded, names).result;
    return {
      training: [refused, actual, reason],
      encoder: [encoder.device.actual, encoder.device.selfTest?.passed, embedded.count],
      classes: probe.labels,
    };
  });
  expect(got).toEqual({
    training: ["SELF_TEST_FAILED", "cpu", "self-test-failed"],
    encoder: ["webgpu", true, 16],
    classes: ["one", "three", "two"],
  });
});

test("mixed precision learns where the adapter has it, and is refused where it has not", async ({
  tab,
}) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures } = lab;
    const adapter = await navigator.gpu.requestAdapter();
    const losses = async (device: "webgpu" | "cpu") => {
      const set = {
        "encoder.width": 4,
        "pretraining.unlabelled_batch": 4,
        precision: "mixed",
      };
      const run = await kith.pretrain(pictures, { recipe: "simclr", set, device });
      const found: number[] = [];
      for await (const { loss } of run.steps(1)) found.push(loss);
      await run.dispose();
      return found[0]!;
    };
    const words = (error: unknown) => (error instanceof Error ? error.message : String(error));
    const onGpu = await losses("webgpu").catch(words);
    return { can: adapter!.features.has("shader-f16"), onGpu, onCpu: await losses("cpu") };
  });
  expect(got.onCpu).toBeGreaterThan(0);
  if (got.can) expect(got.onGpu).toBeCloseTo(got.onCpu, 2);
  else expect(got.onGpu).toMatch(/precision = mixed .*"full".*shader-f16/s);
});

test("a run can be asked for more while it takes a step", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, codeOf } = lab;
    const worker = () => new Worker("/dist/worker.js", { type: "module" });
    const set = {
      "encoder.width": 4,
      "pretraining.unlabelled_batch": 4,
      "pretraining.views": "none",
    };
    const config = { device: "webgpu", worker, recipe: "simclr", set, stepsPerEpoch: 4 } as const;
    const run = await kith.pretrain(pictures, config);
    const step = async () => {
      for await (const { step } of run.steps(1)) return step;
    };
    const stepping = step();
    const asked = await Promise.all([
      codeOf(async () => (await run.state()).length > 0),
      codeOf(async () => (await run.embed(pictures)).count),
      codeOf(() => stepping),
    ]);
    await run.dispose();
    return asked;
  });
  expect(got).toEqual(["no error but true", "no error but 16", "no error but 1"]);
});
