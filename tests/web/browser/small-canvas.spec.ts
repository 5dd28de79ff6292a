// Pictures that are larger than the browser's canvases.
import type { Page } from "@playwright/test";
import { expect, test } from "./tab.js";

/** Embeddings of two large pictures of different colours, where canvases hold `most` pixels. */
const embedded = (tab: Page, most: number) =>
  tab.evaluate(async (most) => {
    const { kith } = lab;
    const worker = () => new Worker(`/pages/small-canvas.js?most=${most}`, { type: "module" });
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", {
      device: "cpu",
      worker,
      warmup: false,
    });
    const made = (colour: string) => {
      const canvas = new OffscreenCanvas(5000, 4200);
      const context = canvas.getContext("2d")!;
      const fall = context.createLinearGradient(400, 0, 4600, 4200);
      fall.addColorStop(0, "black");
      fall.addColorStop(1, colour);
      context.fillStyle = fall;
      context.fillRect(0, 0, 5000, 4200);
      return canvas.convertToBlob();
    };
    const pictures = await Promise.all(["red", "blue"].map(made));
    try {
      const rows = await encoder.embed(pictures);
      return [0, 1].map((place) => [...rows.row(place)]);
    } catch (error) {
      const { code, message } = error as InstanceType<typeof kith.KithError>;
      return `${code}: ${message}`;
    } finally {
      await encoder.dispose();
    }
  }, most);

test("a picture above the canvas's limit is seen as it is", async ({ tab }) => {
  const whole = await embedded(tab, Infinity);
  expect(await embedded(tab, 2 ** 24)).toEqual(whole);
  expect(whole[0]).not.toEqual(whole[1]);
});

test("a canvas that stays empty is an error, and no white square", async ({ tab }) => {
  expect(await embedded(tab, 100)).toMatch(/^IMAGE_DECODE: picture 0 .*stays empty/);
});
