import { expect, openTab, test } from "./tab.js";

test("in a browser without WebGPU the CPU computes and says why", async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined });
  });
  await openTab(page);
  const got = await page.evaluate(async () => {
    const { kith, pictures } = lab;
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors");
    const { count } = await encoder.embed(pictures);
    return [encoder.device.actual, encoder.device.reason, count];
  });
  expect(got).toEqual(["cpu", "no-navigator-gpu", 16]);
});
