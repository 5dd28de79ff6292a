// What the panel Learn trains on, and what it begins with: a folder, the camera, other networks.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, test, userPicture } from "./visit.js";

const SOON = { timeout: 60_000 };
const encoders = fileURLToPath(new URL("../fixtures/encoders/", import.meta.url));

/** Starts a run and waits for some of its steps. */
async function steps(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".numbers")).toContainText(/[2-9] of 75/, SOON);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("button", { name: "Resume" })).toBeVisible(SOON);
}

/** For how many of a hundred emoji the other vendor's drawing was the nearest before the first step. */
async function atStart(page: Page): Promise<number> {
  const share = page.locator(".live-share dd").first();
  await expect(share).toHaveText(/^[\d.]+\s%/, SOON);
  return Number(/^[\d.]+/.exec((await share.textContent())!)![0]);
}

/** Drops a file on the page. */
async function drop(page: Page, path: string, named = basename(path)): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ([bytes, name]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], name));
      return transfer;
    },
    [[...readFileSync(path)], named] as const,
  );
  await page.dispatchEvent("main", "drop", { dataTransfer });
}

/** What the metadata of a saved checkpoint says. */
async function savedMetadata(page: Page): Promise<{ path: string; kith: Record<string, unknown> }> {
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save the checkpoint" }).click();
  const path = await (await coming).path();
  const bytes = readFileSync(path);
  const header = bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0)));
  const { __metadata__ } = JSON.parse(header) as { __metadata__: { kith: string } };
  return { path, kith: JSON.parse(__metadata__.kith) as Record<string, unknown> };
}

test("a folder trains, without the file that is no picture", async ({ visit }, info) => {
  const { page } = visit;
  await visit.open("learn?pictures=own&steps=75&batch=16&recipe=quick");
  const folder = info.outputPath("pictures");
  for (const colour of ["red", "blue"]) {
    mkdirSync(join(folder, colour), { recursive: true });
    const { buffer } = await userPicture(page, colour);
    for (let i = 0; i < 17; i += 1) writeFileSync(join(folder, colour, `${i}.png`), buffer);
  }
  writeFileSync(join(folder, "red", "torn.png"), "no picture");
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose a folder" }).click();
  await (await choosing).setFiles(folder);
  await expect(page.getByText("35 pictures so far")).toBeVisible();
  await steps(page);
  await expect(page.getByRole("alert")).toContainText("could not read “torn”");
  await expect(page.locator(".numbers"), "folders are classes").toContainText("Training accuracy");
  await visit.accessible("learn, a folder");

  // What is kept of one's own pictures goes with them.
  await page.getByRole("button", { name: "Keep it to compare" }).click();
  await expect(page.locator("main").getByText("Kept as Run 1")).toBeVisible(SOON);
  await page.getByRole("button", { name: "Stop and discard" }).click();
  await expect(page.locator(".kept-runs .run-title")).toHaveCount(1);
  await page.getByRole("button", { name: "Forget my pictures" }).click();
  await page.getByRole("button", { name: "Yes, forget them" }).click();
  await expect(page.locator(".kept-runs")).toHaveCount(0);
});

test("the camera gives pictures while its button is held, and is off during the run", async ({
  visit,
}) => {
  const { page } = visit;
  await page.addInitScript(() => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wanted) => {
      const stream = await open(wanted);
      (window as unknown as { camera: MediaStream }).camera = stream;
      return stream;
    };
  });
  await visit.open("learn?pictures=own&steps=75&batch=16&recipe=quick");
  await page.getByRole("button", { name: "Camera", exact: true }).click();
  const take = page.getByRole("button", { name: "Take a picture, or hold" });
  await take.hover();
  await page.mouse.down();
  await expect(page.getByText(/^(3[2-9]|[4-9]\d) pictures so far/)).toBeVisible(SOON);
  await page.mouse.up();
  await steps(page);
  const states = await page.evaluate(() =>
    (window as unknown as { camera: MediaStream }).camera
      .getTracks()
      .map(({ readyState }) => readyState),
  );
  expect(states).toEqual(["ended"]);
});

test("a run begins with a network that was trained here, and with one that is dropped", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("learn?steps=75&batch=16&begin=open&recipe=quick");
  await expect(page.getByLabel("Begin with")).toHaveValue("open");
  await steps(page);
  await expect(page.getByText("began with the encoder of “The trained network”")).toBeVisible();
  const trained = await atStart(page);
  await expect(page.getByRole("button", { name: "Copy a link to this run" })).toHaveCount(0);
  const { path } = await savedMetadata(page);
  await page.getByRole("button", { name: "Use it in other panels" }).click();
  await expect(page.getByText("use this network now")).toBeVisible(SOON);
  await page.getByRole("button", { name: "Stop and discard" }).click();
  await expect(page.getByLabel("Begin with").locator("option")).toHaveText([
    "Fresh weights",
    "“trained here”, the open network",
  ]);
  await page.getByLabel("Begin with").selectOption("fresh");
  await steps(page);
  const fresh = await atStart(page);
  expect(trained, "a network that has learnt finds more of them").toBeGreaterThan(fresh + 5);

  await drop(page, path, "mine.safetensors");
  await expect(page.getByRole("heading", { name: "mine.safetensors" })).toBeVisible(SOON);
  await page.getByRole("button", { name: "Train it further" }).click();
  await expect(page.getByLabel("Begin with").locator("option:checked")).toHaveText(
    "“mine.safetensors”, the open network",
  );
});

test("an encoder of others is trained further, and its checkpoint says whose weights it had", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("learn?steps=75&batch=16&recipe=quick");
  await drop(page, join(encoders, "resnet18.safetensors"));
  await expect(page.getByRole("heading", { name: "resnet18.safetensors" })).toBeVisible(SOON);
  await page.getByRole("button", { name: "Train it further" }).click();
  await expect(page.getByLabel("Begin with")).toHaveValue("open");
  await steps(page);
  await expect(
    page.getByText("Pictures have 64 pixels; the network was made for 224."),
  ).toBeVisible();
  const { kith } = await savedMetadata(page);
  expect(kith["origin"]).toMatchObject({ network: "ResNet-18", source: "resnet18.safetensors" });
  await page.getByRole("button", { name: "Use it in other panels" }).click();
  await expect(page.getByText("use this network now")).toBeVisible({ timeout: 120_000 });
});
