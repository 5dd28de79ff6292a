// The same page on WebGPU (in software, hence small): what runs is what was asked for.
import { addPictures, expect, load, test, userPicture } from "./visit.js";

test("computes in every panel on WebGPU when asked to, and says so", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours?device=webgpu");
  await expect(page.locator("#device")).toContainText("Would compute on WebGPU");
  await page.getByRole("button", { name: /^Load the network/ }).click();
  await expect(page.locator("#device")).toContainText("Computing on WebGPU", { timeout: 90_000 });
  await addPictures(page, [await userPicture(page)]);
  await expect(page.locator(".query strong")).toHaveText("red", { timeout: 60_000 });
  await expect(page.locator(".comparison .grid").first().locator(".cell")).toHaveCount(8);
  await page.getByRole("link", { name: "Augmentations" }).click();
  await expect(page.locator(".views canvas")).toHaveCount(7, { timeout: 60_000 });
  await page.getByRole("link", { name: "Probe" }).click();
  await page.getByRole("button", { name: "Train a linear probe" }).click();
  await expect(page.getByText("By the linear probe")).toBeVisible({ timeout: 90_000 });
  await page.getByRole("link", { name: "Map" }).click();
  await expect(page.locator(".scatter-plot")).toBeVisible();
  await page.getByRole("link", { name: "Checkpoint" }).click();
  await expect(page.locator("main")).toContainText("SimCLR, pretrained");
  await expect(page.locator("#device")).toContainText("Computing on WebGPU");
});

test("leaves a software adapter to those who ask for it", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await expect(page.locator("#device")).toContainText("only imitated");
  await load(page);
  await expect(page.locator("#device")).toContainText("Computing on the CPU");
});

test("learns on WebGPU", async ({ visit }) => {
  const { page } = visit;
  // Few pictures: those of the gallery take a minute to embed in software.
  await visit.open("learn?device=webgpu&steps=2&batch=8&pictures=own");
  const colours = Array.from({ length: 32 }, (_, place) => `hsl(${11 * place} 80% 50%)`);
  await addPictures(page, await Promise.all(colours.map((colour) => userPicture(page, colour))));
  await expect(page.getByText("32 pictures so far")).toBeVisible();
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 200_000 });
  await expect(page.locator(".numbers")).toContainText("2 of 2");
  await expect(page.locator("#device")).toContainText("Computing on WebGPU");
});

/** Takes the graphics device of the page's worker away when the page says so. */
const LOSABLE = `{
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await request.call(this, descriptor);
    new BroadcastChannel("lose").onmessage = () => device.destroy();
    return device;
  };
}
`;

test("labels on WebGPU, and a device that is lost in the middle of a run goes on", async ({
  visit,
}) => {
  const { page, expected } = visit;
  expected.push(/the wgpu device was lost/);
  await page.route(/assets\/worker-[^/]+\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: LOSABLE + (await response.text()) });
  });
  await visit.open("label?device=webgpu&epochs=2&epochsteps=4&unlabelled=8");
  const colours = Array.from({ length: 16 }, (_, at) => `hsl(${(at % 2) * 200 + at} 80% 50%)`);
  await addPictures(page, await Promise.all(colours.map((colour) => userPicture(page, colour))));
  const shown = page.locator(".shown figcaption strong");
  await expect(shown).toBeVisible({ timeout: 120_000 });
  for (const name of ["warm", "cold"]) {
    await page.keyboard.press("+");
    await page.keyboard.type(name);
    await page.keyboard.press("Enter");
  }
  for (let number = 0; number < 6; number += 1) {
    const name = (await shown.textContent())!;
    await page.keyboard.press(Number(/hsl\((\d+)/.exec(name)![1]) < 150 ? "1" : "2");
    await expect(shown).not.toHaveText(name);
  }
  await page.getByRole("button", { name: "Train on all pictures" }).click();
  await expect(page.locator(".semi .numbers")).toContainText(/[1-9] of 8/, { timeout: 200_000 });
  await expect(page.locator("#device")).toContainText("Computing on WebGPU");
  await page.evaluate(() => new BroadcastChannel("lose").postMessage("now"));
  await expect(page.getByText("The device was lost in the middle; the run goes on")).toBeVisible({
    timeout: 120_000,
  });
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 200_000 });
  await expect(page.locator(".semi .numbers")).toContainText("8 of 8");
});
