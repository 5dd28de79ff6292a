// A run that leaves the page as a file, goes on in a terminal, and comes back.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "./visit.js";

const target = process.env["CARGO_TARGET_DIR"] ?? join(import.meta.dirname, "../../target");
const kith = join(target, "release/kith");
const SOON = { timeout: 60_000 };

/** The file of a run that was paused after its first steps. */
async function taken(page: Page): Promise<string> {
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".u-legend").first()).toBeVisible({ timeout: 120_000 });
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Take it to a terminal" }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toMatch(/^run-step-\d+\.safetensors$/);
  await expect(page.getByText(`kith resume ${download.suggestedFilename()}`)).toBeVisible();
  const path = test.info().outputPath(download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

async function open(page: Page, path: string): Promise<void> {
  await page.getByRole("button", { name: "Stop and discard" }).click();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Open a run file" }).click();
  await (await chooser).setFiles(path);
}

test("a run goes to a terminal and comes back, to its end", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?steps=75&batch=16&recipe=minute&device=cpu");
  const path = await taken(page);
  if (existsSync(kith)) {
    const words = ["resume", path, "--steps", "10", "--device", "cpu", "--json"];
    const { steps, total } = JSON.parse(execFileSync(kith, words, { encoding: "utf8" }));
    expect(total).toBe(75);
    expect(steps).toBeGreaterThan(10);
  }
  await open(page, path);
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText(/other vendor's drawing is the nearest/).first()).toBeVisible();
});

test("a run on pictures of one's own brings them back; another file is refused", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("learn?steps=75&batch=16&recipe=minute&device=cpu&pictures=own");
  const files = await page.evaluate(async () => {
    const drawn = [];
    for (let number = 0; number < 40; number += 1) {
      const canvas = new OffscreenCanvas(24, 24);
      const context = canvas.getContext("2d")!;
      context.fillStyle = `hsl(${number * 9} 80% 50%)`;
      context.fillRect(number % 12, 4, 10, 16);
      const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
      drawn.push([...bytes]);
    }
    return drawn;
  });
  await page
    .locator("input[type=file]")
    .first()
    .setInputFiles(
      files.map((bytes, number) => ({
        name: `${number}.png`,
        mimeType: "image/png",
        buffer: Buffer.from(bytes),
      })),
    );
  await expect(page.getByText(/^40 pictures so far/)).toBeVisible(SOON);
  const path = await taken(page);
  await open(page, path);
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 120_000 });
  await expect(page.locator(".neighbour-table img.picture").first()).toBeVisible(SOON);

  await page
    .getByRole("button", { name: "Begin another run" })
    .or(page.getByRole("button", { name: "Stop and discard" }))
    .first()
    .click();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Open a run file" }).click();
  await (
    await chooser
  ).setFiles({
    name: "other.safetensors",
    mimeType: "application/octet-stream",
    buffer: Buffer.from("not a run"),
  });
  await expect(page.getByText(/it is cut off/).first()).toBeVisible(SOON);
});
