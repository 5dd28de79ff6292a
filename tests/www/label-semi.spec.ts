// Learning from all pictures: labels that spread, and a run of FixMatch that is paused, kept and resumed.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { addPictures, expect, test, userPicture } from "./visit.js";

const shown = (page: Page) => page.locator(".shown figcaption strong");
const isWarm = (name: string) => Number(/hsl\(([\d.]+)/.exec(name)![1]) < 150;

/** Opens the panel with 40 pictures and labels so many of them. */
async function labelled(page: Page, count: number) {
  const colours = Array.from({ length: 40 }, (_, place) => {
    const hue = (place % 2 === 0 ? 0 : 200) + place;
    return `hsl(${hue} 80% 50%)`;
  });
  await addPictures(page, await Promise.all(colours.map((colour) => userPicture(page, colour))));
  await expect(shown(page)).toBeVisible({ timeout: 60_000 });
  for (const name of ["warm", "cold"]) {
    await page.keyboard.press("+");
    await page.keyboard.type(name);
    await page.keyboard.press("Enter");
  }
  await more(page, count);
}

async function more(page: Page, count: number) {
  for (let number = 0; number < count; number += 1) {
    const name = (await shown(page).textContent())!;
    await page.keyboard.press(isWarm(name) ? "1" : "2");
    await expect(shown(page)).not.toHaveText(name);
  }
}

const step = async (page: Page) =>
  Number(/(\d+) of \d+/.exec((await page.locator(".semi .numbers").textContent())!)?.[1] ?? NaN);

test("labels spread, and the doubtful ones are accepted, corrected or left", async ({ visit }) => {
  const { page } = visit;
  await visit.open("label");
  const start = page.getByRole("button", { name: "Spread the labels" });
  await labelled(page, 0);
  await expect(start).toBeDisabled();
  await expect(page.getByText("Labels can spread when there is one")).toBeVisible();
  await more(page, 8);
  await start.click();
  await expect(page.getByText("Labels arrived at 32 of the 32 pictures without one")).toBeVisible();
  const items = page.locator(".doubtful > li");
  await expect(items).toHaveCount(12);
  const certainties = await items.evaluateAll((all) =>
    all.map((item) => Number(/certainty ([\d.]+)/.exec(item.textContent!)![1])),
  );
  expect(certainties).toEqual([...certainties].sort((a, b) => a - b));
  await visit.accessible("label, labels have spread");
  await expect(page.getByText("8 given, 32 propagated")).toBeVisible();
  await items
    .first()
    .getByRole("button", { name: /^Accept/ })
    .click();
  await expect(page.getByText("9 given, 31 propagated")).toBeVisible();
  const said = (await items.first().locator("strong").textContent())!;
  await items
    .first()
    .getByRole("combobox")
    .selectOption(said.startsWith("warm") ? "cold" : "warm");
  await expect(page.getByText("10 given, 30 propagated")).toBeVisible();
  await items
    .first()
    .getByRole("button", { name: /^Leave/ })
    .click();
  await expect(page.getByText("10 given, 30 propagated")).toBeVisible();
  await expect(items).toHaveCount(12);
  expect(await page.locator("main img").count(), "images at a time").toBeLessThan(60);
});

test("a run is paused, kept, resumed after a reload and ended; its files open", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("label?epochs=3&epochsteps=40&unlabelled=16");
  await expect(page.getByRole("button", { name: "Train on all pictures" })).toHaveCount(0);
  await labelled(page, 10);
  const network = page.getByRole("button", { name: "The trained network", exact: true });
  await expect(network).toBeDisabled();
  await expect(page.getByText("It starts from the open network")).toBeVisible();
  await page.getByRole("button", { name: "Train on all pictures" }).click();
  await expect.poll(() => step(page), { timeout: 60_000 }).toBeGreaterThan(40);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("button", { name: "Go on" })).toBeVisible();
  const paused = await step(page);
  expect(paused).toBeLessThan(120);
  await expect(page.getByText(`keeps the run as it is at step ${paused}`)).toBeVisible();
  await expect(page.locator(".semi .numbers")).toContainText(/of 2; 95 % interval \d+ to \d+ %/);
  await visit.accessible("label, a run paused");

  await page.reload();
  await expect(page.getByText(`The run of today is kept at step ${paused} of 120`)).toBeVisible({
    timeout: 60_000,
  });
  await visit.accessible("label, a run is offered");
  await page.getByRole("button", { name: `Go on at step ${paused} of 120` }).click();
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 90_000 });
  expect(await step(page)).toBe(120);
  await expect(page.getByText("10 given, 30 predicted by the trained network")).toBeVisible();

  const saved = async (name: string) => {
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name, exact: true }).click();
    return readFileSync(await (await coming).path());
  };
  const checkpoint = await saved("The trained network");
  const onnx = await saved("The trained network as ONNX");
  for (const word of ["pixel_values", "pooler_output", "logits"]) {
    expect(onnx.includes(word), word).toBe(true);
  }
  const probe = await saved("The probe");
  expect(probe.toString("latin1")).toContain("probe.weight");
  const origins = (await saved("labels.csv")).toString().trimEnd().split("\n").slice(1);
  expect(origins.filter((line) => line.endsWith(",given"))).toHaveLength(10);
  expect(origins.filter((line) => line.endsWith(",predicted"))).toHaveLength(30);

  await page.locator('a[data-panel="checkpoint"]').click();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "From a file" }).click();
  const file = { name: "labelled-here.safetensors", mimeType: "", buffer: checkpoint };
  await (await chooser).setFiles(file);
  await expect(page.locator(".card")).toContainText("semi_supervised", { timeout: 60_000 });
});

test("a run that began with other labels says so, and goes on with its own or begins anew", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("label?epochs=2&epochsteps=30&unlabelled=16");
  await labelled(page, 10);
  await page.getByRole("button", { name: "Train on all pictures" }).click();
  await expect.poll(() => step(page), { timeout: 60_000 }).toBeGreaterThan(20);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("button", { name: "Go on" })).toBeVisible();
  await more(page, 1);
  await page.reload();
  await expect(page.getByText("It began with other labels than there are now: 8")).toBeVisible({
    timeout: 60_000,
  });
  await page.getByRole("button", { name: /^Go on with its own labels at step/ }).click();
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 60_000 });
  await page.reload();
  await expect(page.getByText("The run of today is kept; it ended after 60 steps")).toBeVisible({
    timeout: 60_000,
  });
  await page.getByRole("button", { name: "Start anew with the labels of now" }).click();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible({ timeout: 60_000 });
  await page.getByRole("button", { name: "Stop and discard" }).click();
  await expect(page.getByRole("button", { name: "Train on all pictures" })).toBeVisible();
  await page.reload();
  await expect(shown(page)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText("is kept")).toHaveCount(0);
});

test("too few labels to train on are an error that teaches", async ({ visit }) => {
  const { page } = visit;
  await visit.open("label");
  await labelled(page, 0);
  await page.getByRole("button", { name: "Train on all pictures" }).click();
  await expect(page.locator(".error-box")).toContainText("Label pictures of two classes first");
});
