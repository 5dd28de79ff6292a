// Pictures of another origin, which a page may show but not read.
import type { Page } from "@playwright/test";
import { expect, test } from "./tab.js";

test.use({ given: [/^http:\/\/localhost:/] });

/** How often the encoder's worker was started. */
interface Inside {
  readonly engine: { readonly generation: number };
}

/** A picture on another origin than the page's; its server allows reading where `allowed` is asked for. */
async function elsewhere(tab: Page): Promise<string> {
  const picture = await tab.evaluate(async () => {
    const canvas = new OffscreenCanvas(40, 40);
    canvas.getContext("2d")!.fillRect(0, 0, 20, 40);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  });
  const { origin, port } = new URL(tab.url());
  await tab.route(`http://localhost:${port}/**`, (route) =>
    route.fulfill({
      body: Buffer.from(picture),
      contentType: "image/png",
      headers: route.request().url().includes("allowed")
        ? { "access-control-allow-origin": origin }
        : {},
    }),
  );
  return `http://localhost:${port}`;
}

test("a picture that may not be read is named, and nothing else fails", async ({ tab }) => {
  const from = await elsewhere(tab);
  const got = await tab.evaluate(async (from) => {
    const { kith, pictures } = lab;
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const foreign = new Image();
    foreign.src = `${from}/picture.png`;
    await foreign.decode();
    const drawnOn = document.createElement("canvas");
    drawnOn.getContext("2d")!.drawImage(foreign, 0, 0);
    const wrong = [foreign, drawnOn, await createImageBitmap(foreign)];
    const before = await encoder.embed(pictures[0]!);
    const waiting = encoder.embed(Array(100).fill(pictures[0]), { batchSize: 1 });
    const said = [];
    for (const one of wrong) {
      try {
        await encoder.embed([pictures[0]!, one]);
        said.push("no error");
      } catch (error) {
        const { code, message, hint } = error as InstanceType<typeof kith.KithError>;
        said.push(`${code}: ${message} ${hint}`);
      }
    }
    const after = await encoder.embed(pictures[0]!);
    const same = String(after.data) === String(before.data);
    const { generation } = (encoder as unknown as Inside).engine;
    return { said, waited: (await waiting).count, same, generation };
  }, from);
  for (const said of got.said) expect(said).toMatch(/^IMAGE_DECODE: picture 1 .*crossOrigin/);
  expect(got).toMatchObject({ waited: 100, same: true, generation: 1 });
});

test("a picture of another origin that allows it is embedded", async ({ tab }) => {
  const from = await elsewhere(tab);
  const count = await tab.evaluate(async (from) => {
    const encoder = await lab.kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const allowed = new Image();
    allowed.crossOrigin = "anonymous";
    allowed.src = `${from}/allowed.png`;
    await allowed.decode();
    return (await encoder.embed([allowed, `${from}/allowed.png`])).count;
  }, from);
  expect(count).toBe(2);
});

test("what cannot be handed to the worker does not end it", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, codeOf } = lab;
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const laden = { ...pictures[0]!, close: () => {}, owner: window };
    const expected = await encoder.embed(pictures[0]!);
    const ops = [{ op: "flip", probability: 0.5, extra: () => {} }] as never;
    return {
      same: String((await encoder.embed(laden)).data) === String(expected.data),
      views: (await encoder.augment(pictures[0]!, { ops })).length,
      cyclic: await codeOf(() => {
        const op: Record<string, unknown> = { op: "flip" };
        op.self = op;
        return encoder.augment(pictures[0]!, { ops: [op as never] });
      }),
      generation: (encoder as unknown as Inside).engine.generation,
    };
  });
  expect(got).toEqual({ same: true, views: 2, cyclic: "SETTING", generation: 1 });
});
