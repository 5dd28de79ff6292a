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
