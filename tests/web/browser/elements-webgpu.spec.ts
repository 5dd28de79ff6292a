// The elements on (software) WebGPU: the same neighbours, a device that is lost, and an end that frees it.
import { CHECKPOINT, CHILDREN, SOON, accessible, expect, put, state, test } from "./elements.js";
import type { KithNeighbours } from "./elements.js";

test.use({ wrong: /lost|destroyed/i });

test("neighbours are those of the CPU, also after the device was lost", async ({ at }) => {
  const element = await put(at, "kith-neighbours", undefined, CHILDREN);
  const found = () =>
    element.evaluate((node) =>
      (node as KithNeighbours).neighbours.map(({ picture, cosine }) => ({
        name: picture.name,
        cosine: Number(cosine.toFixed(4)),
      })),
    );
  await state(element, "ready");
  await element.getByRole("option", { name: "disc 20" }).click();
  const onCpu = await found();
  expect(onCpu).toHaveLength(5);
  // Another element, so that every embedding is computed anew.
  await put(at, "kith-neighbours", "", CHILDREN);
  await element.evaluate((node, src) => {
    const own = node as KithNeighbours;
    own.options = { worker: () => new Worker("/pages/losable.js", { type: "module" }) };
    own.setAttribute("device", "webgpu");
    own.setAttribute("src", src);
  }, CHECKPOINT);
  await expect(element).toContainText("Computed on the graphics card by WebGPU", SOON);
  await state(element, "ready");
  await element.getByRole("option", { name: "disc 20" }).click();
  const onGpu = await found();
  expect(onGpu.map(({ name }) => name)).toEqual(onCpu.map(({ name }) => name));
  onGpu.forEach(({ cosine }, i) => expect(cosine).toBeCloseTo(onCpu[i]!.cosine, 3));
  await accessible(at, "on WebGPU");
  // Twice lost: the CPU takes over.
  for (const hue of [60, 80]) {
    await at.evaluate(async () => {
      new BroadcastChannel("lose").postMessage("now");
      await new Promise((done) => setTimeout(done, 300));
    });
    await element.evaluate((node, hue) => (node as KithNeighbours).add([drawn(hue, "disc")]), hue);
    await expect(element.getByRole("option")).toHaveCount(hue === 60 ? 13 : 14, SOON);
    await state(element, "ready");
  }
  await expect(element).toContainText(
    "Computed on the CPU, because the graphics card stopped working for this page.",
    SOON,
  );
  await element.evaluate((node) => node.remove());
  await expect.poll(() => at.workers().length, SOON).toBe(0);
});
