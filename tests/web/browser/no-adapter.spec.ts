import { expect, test } from "./tab.js";

test("without an adapter the CPU computes and says why", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, codeOf } = lab;
    const from = "/parity/checkpoint.safetensors";
    const encoder = await kith.loadEncoder(from, { allowSoftware: true });
    const { count } = await encoder.embed(pictures);
    const code = await codeOf(() => kith.loadEncoder(from, { device: "webgpu" }));
    return [encoder.device.actual, encoder.device.reason, count, code];
  });
  expect(got).toEqual(["cpu", "adapter-null", 16, "NO_WEBGPU"]);
});
