// The same page on WebGPU (in software, hence small): what runs is what was asked for.
import { expect, load, test } from "./visit.js";

test("computes in every panel on WebGPU when asked to, and says so", async ({ visit }) => {
  test.setTimeout(240_000);
  const { page } = visit;
  await visit.open("neighbours?device=webgpu");
  await expect(page.locator("#device")).toContainText("Would compute on WebGPU");
  await page.getByRole("button", { name: /^Load the network/ }).click();
  await expect(page.locator("#device")).toContainText("Computing on WebGPU", { timeout: 90_000 });
  await expect(page.locator(".support li")).toHaveCount(3, { timeout: 60_000 });
  await page.getByRole("link", { name: "Augmentations" }).click();
  await expect(page.locator(".views canvas")).toHaveCount(7, { timeout: 60_000 });
  await page.getByRole("link", { name: "Probe" }).click();
  await page.getByRole("button", { name: "Train a linear probe" }).click();
  await expect(page.getByText("By the linear probe")).toBeVisible({ timeout: 90_000 });
  await page.getByRole("link", { name: "Map" }).click();
  await expect(page.locator(".scatter-plot")).toBeVisible();
  await page.getByRole("link", { name: "Checkpoint" }).click();
  await expect(page.locator("main")).toContainText("NNCLR, pretrained");
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
  test.setTimeout(240_000);
  const { page } = visit;
  await visit.open("learn?device=webgpu&steps=2&batch=8");
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".numbers")).toContainText(/[1-9] of/, { timeout: 200_000 });
  await expect(page.locator("#device")).toContainText("Computing on WebGPU");
});
