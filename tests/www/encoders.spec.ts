// Encoders of others: files that are chosen or dropped, what is said of them, and their errors.
import { existsSync, readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, test } from "./visit.js";

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../fixtures/encoders/${name}`, import.meta.url));
const dist = new URL("../../www/dist/", import.meta.url);

interface Dropped {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Drops files on the page. */
async function drop(page: Page, files: readonly Dropped[]): Promise<void> {
  const transfer = await page.evaluateHandle(
    (files) => {
      const transfer = new DataTransfer();
      for (const { name, bytes } of files) {
        transfer.items.add(new File([new Uint8Array(bytes)], name));
      }
      return transfer;
    },
    files.map(({ name, bytes }) => ({ name, bytes: [...bytes] })),
  );
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
}

test("an encoder dropped on any panel opens, says what was taken, and all panels use it", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("map?colour=category");
  const config = { architecture: "vit_tiny", pretrained_cfg: { license: "apache-2.0" } };
  await drop(page, [
    { name: "dinov2.safetensors", bytes: fixture("dinov2_reg4.safetensors") },
    {
      name: "config.json",
      bytes: Buffer.from(JSON.stringify({ ...config, num_attention_heads: 3 })),
    },
  ]);
  const card = page.locator(".card");
  await expect(card.locator("h2")).toHaveText("dinov2.safetensors", { timeout: 90_000 });
  expect(page.url(), "the panel that opens files").toContain("#checkpoint");
  for (const said of ["vision transformer", "tensors; ", "ImageNet's mean", "apache-2.0"]) {
    await expect(card).toContainText(said);
  }
  await visit.accessible("checkpoint, an encoder of others");
  await page.locator('a[data-panel="neighbours"]').click();
  await expect(page.locator(".comparison h2").first()).toHaveText("dinov2.safetensors");
  await expect(page.locator(".comparison .grid").first().locator(".cell")).toHaveCount(8);
  await page.locator('a[data-panel="map"]').click();
  await expect(page.locator(".map-legend li")).toHaveCount(9);
  await page.locator('a[data-panel="probe"]').click();
  await expect(page.getByText("Nearest neighbours", { exact: true })).toBeVisible();
  await page.locator('a[data-panel="augmentations"]').click();
  await expect(page.locator("main canvas").first()).toBeVisible();
});

test("of a slow network a part of the gallery is embedded, and the panels do with it", async ({
  visit,
}) => {
  const { page } = visit;
  // Every picture seems to take a thousand times as long.
  await page.addInitScript(() => {
    const now = performance.now.bind(performance);
    performance.now = () => 1000 * now();
  });
  await visit.open("checkpoint?colour=category");
  await drop(page, [{ name: "resnet18.safetensors", bytes: fixture("resnet18.safetensors") }]);
  const card = page.locator(".card");
  await expect(card).toContainText("embeddings of 96 of the 3672", { timeout: 60_000 });
  await expect(card).toContainText("not stated");
  await page.locator('a[data-panel="neighbours"]').click();
  const found = page.locator(".comparison .grid").first();
  await expect(found.locator(".cell"), "the picture is embedded when it is shown").toHaveCount(8);
  await page.locator('a[data-panel="map"]').click();
  await expect(page.locator(".map-legend li")).toHaveCount(9);
  await page.locator('a[data-panel="probe"]').click();
  await expect(page.getByText(/\d+ labels, \d+ test pictures/)).toBeVisible();
  await page.locator('a[data-panel="checkpoint"]').click();
  await page.getByRole("button", { name: "Embed the others" }).click();
  await expect(page.getByText(/Computing embeddings: \d+ of 35\d\d/)).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(card).not.toContainText("embeddings of 96 of");
  await expect(card, "what was done stays").toContainText(/embeddings of \d+ of the 3672/);
});

test("what a file does not say is filled in, and the next try takes it", async ({ visit }) => {
  const { page } = visit;
  await visit.open("checkpoint");
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "From a file" }).click(),
  ]);
  const buffer = fixture("vit16.safetensors");
  await chooser.setFiles({ name: "vit16.safetensors", mimeType: "", buffer });
  const box = page.locator(".error-box");
  await expect(box).toContainText("`pixels` must be given", { timeout: 60_000 });
  await expect(page.locator(".import-form")).toHaveAttribute("open", "");
  await visit.accessible("checkpoint, something is not said");
  await page.getByRole("combobox", { name: /^Pixels/ }).selectOption("signed");
  await page.getByRole("spinbutton", { name: /^Heads/ }).fill("3");
  await box.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator(".card h2")).toHaveText("vit16.safetensors", { timeout: 60_000 });
  await expect(page.locator(".card")).toContainText("3 heads");
});

test("files that do not open here say what makes a checkpoint of them", async ({ visit }) => {
  const { page } = visit;
  await visit.open("checkpoint");
  const box = page.locator(".error-box");
  for (const name of ["resnet18.pth", "hostile_call_legacy.pth"]) {
    await drop(page, [{ name, bytes: fixture(name) }]);
    await expect(box).toContainText("kith import FILE --out x.safetensors", { timeout: 60_000 });
    await page.locator(".error-box").evaluate((box) => box.remove());
  }
  await drop(page, [{ name: "a.safetensors", bytes: fixture("vit16.expected.safetensors") }]);
  await expect(box).toContainText("no encoder is recognised", { timeout: 60_000 });
  await drop(page, [
    { name: "a.safetensors", bytes: Buffer.from("{}") },
    { name: "b.pth", bytes: Buffer.from("{}") },
  ]);
  await expect(box).toContainText("Expected one file of weights");
});

const hasLite = existsSync(new URL("encoders/lite0.safetensors", dist));

test("EfficientNet-Lite0 is offered where it was fetched, and works before it is loaded", async ({
  visit,
}) => {
  test.skip(!hasLite, "`make encoders` was not run before the page was built");
  const { page } = visit;
  await visit.open("checkpoint");
  await page.getByRole("button", { name: /^EfficientNet-Lite0/ }).click();
  await expect(page.locator(".card h2")).toHaveText("EfficientNet-Lite0");
  await expect(page.locator(".card")).toContainText("Apache-2.0");
  expect(page.url()).toContain("checkpoint=lite0");
  await page.reload();
  await expect(page.locator(".card h2")).toHaveText("EfficientNet-Lite0");
  await page.locator('a[data-panel="neighbours"]').click();
  await expect(page.locator(".comparison .grid .cell")).toHaveCount(16);
  await page.getByRole("button", { name: /^Load the network/ }).click();
  await expect(page.locator("#device")).toContainText("ms per picture", { timeout: 60_000 });
});

test("without `make encoders` nothing is offered", async ({ visit }) => {
  test.skip(hasLite, "`make encoders` was run before the page was built");
  await visit.open("checkpoint");
  await expect(visit.page.getByRole("button", { name: /EfficientNet/ })).toHaveCount(0);
});
