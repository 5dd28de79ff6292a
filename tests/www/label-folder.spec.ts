// Labelling a folder of this machine, which a server serves beside the page.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { FolderServer } from "./folder-server.js";
import { expect, test as base, userPicture } from "./visit.js";

const COUNT = 40;
const CHECKPOINT = fileURLToPath(
  new URL("../../www/public/networks/random.safetensors", import.meta.url),
);

interface Folder {
  readonly path: string;
  readonly files: readonly string[];
  readonly server: FolderServer;
  readonly url: string;
}

const test = base.extend<{ folder: Folder; checkpoint: string | undefined }>({
  checkpoint: [undefined, { option: true }],
  // The page is opened from the folder's server.
  baseURL: async ({ folder }, use) => use(folder.url),
  folder: async ({ browser, checkpoint }, use) => {
    const path = mkdtempSync(join(tmpdir(), "kith-folder-"));
    const maker = await browser.newPage();
    await maker.goto("about:blank");
    const files: string[] = [];
    for (let place = 0; place < COUNT; place += 1) {
      const file = place % 2 === 0 ? `red/${place}.png` : `blue/${place}, "two".png`;
      mkdirSync(join(path, file.split("/")[0]!), { recursive: true });
      const colour = `hsl(${(place % 2 === 0 ? 0 : 210) + place} 80% 50%)`;
      writeFileSync(join(path, file), (await userPicture(maker, colour)).buffer);
      files.push(file);
    }
    await maker.close();
    const server = new FolderServer(path, { files, classes: ["red", "blue"], checkpoint });
    await use({ path, files, server, url: await server.listen() });
    await server.close();
  },
});

const shown = (page: Page) => page.locator(".shown figcaption strong");
const keyOf = (file: string) => (file.startsWith("red") ? "1" : "2");

async function opened(page: Page, address = "label?source=folder") {
  await page.goto(`./#${address}`);
  await expect(shown(page)).toBeVisible({ timeout: 60_000 });
}

async function labelled(page: Page, count: number) {
  for (let number = 0; number < count; number += 1) {
    const file = (await shown(page).textContent())!;
    await page.keyboard.press(keyOf(file));
    await expect(shown(page)).not.toHaveText(file);
  }
}

test("labels are on the disk before they are shown, and are there when the page opens again", async ({
  visit,
  folder,
}) => {
  const { page } = visit;
  visit.expected.push(/404/);
  await opened(page);
  await expect(page.getByText("40 images of this machine")).toBeVisible();
  await expect(page.locator(".class-buttons button")).toHaveCount(2);
  await visit.accessible("label, a folder");
  for (let number = 1; number <= 12; number += 1) {
    const file = (await shown(page).textContent())!;
    const aside = (await page.locator(".shown.aside-picture").count()) > 0;
    await page.keyboard.press(keyOf(file));
    await expect(shown(page)).not.toHaveText(file);
    const label = keyOf(file) === "1" ? "red" : "blue";
    expect(folder.server.known()[file]).toEqual({ label, unknown: false, aside });
  }
  const unknown = (await shown(page).textContent())!;
  await page.keyboard.press("u");
  await expect(shown(page)).not.toHaveText(unknown);
  expect(folder.server.known()[unknown]).toEqual({ label: null, unknown: true, aside: false });
  await page.keyboard.press("Backspace");
  await expect(shown(page)).toHaveText(unknown);
  expect(folder.server.known()[unknown]).toEqual({ label: null, unknown: false, aside: false });
  await page.keyboard.press("u");
  await expect(shown(page)).not.toHaveText(unknown);
  await page.reload();
  await expect(page.locator(".label-figures")).toContainText("2 set aside, 1 unknown, 27 left", {
    timeout: 60_000,
  });
  const kept = await page.evaluate(async () => {
    const opened = indexedDB.open("kith-pictures");
    await new Promise((done) => (opened.onsuccess = done));
    const count = opened.result.transaction("pictures").objectStore("pictures").count();
    await new Promise((done) => (count.onsuccess = done));
    opened.result.close();
    return count.result;
  });
  expect(kept, "images are not copied into the browser").toBe(0);
});

test("a label that is refused is said, the picture stays, and it can be tried again", async ({
  visit,
  folder,
}) => {
  const { page } = visit;
  visit.expected.push(/404/, /507/, /ERR_CONNECTION_REFUSED/);
  await opened(page);
  const file = (await shown(page).textContent())!;
  folder.server.refuse = {
    code: "DISK_FULL",
    message: "labels.csv cannot be written: no space left on the disk",
    hint: "Delete something, then try again.",
  };
  await page.keyboard.press(keyOf(file));
  const trouble = page.locator(".answers .error-box");
  await expect(trouble).toContainText("no space left on the disk");
  await expect(trouble).toContainText("Delete something");
  await expect(shown(page)).toHaveText(file);
  await expect(page.locator(".label-figures")).toContainText("0 set aside, 0 unknown, 40 left");
  expect(folder.server.known()).toEqual({});
  await visit.accessible("label, refused");
  folder.server.refuse = undefined;
  await trouble.getByRole("button", { name: "Try again" }).click();
  await expect(shown(page)).not.toHaveText(file);
  await expect(trouble).toHaveCount(0);
  expect(Object.keys(folder.server.known())).toEqual([file]);

  const next = (await shown(page).textContent())!;
  await folder.server.close();
  await page.keyboard.press(keyOf(next));
  await expect(trouble).toContainText("does not answer");
  await expect(trouble).toContainText("kith label");
  await expect(shown(page)).toHaveText(next);
});

test("labels.csv has paths, quoted where they must be, and where each label comes from", async ({
  visit,
  folder,
}) => {
  const { page } = visit;
  visit.expected.push(/404/);
  await opened(page);
  await labelled(page, 11);
  await expect(page.getByText(/^11 given, 29 predicted by the probe/)).toBeVisible();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "labels.csv" }).click();
  const lines = readFileSync(await (await coming).path(), "utf8")
    .trimEnd()
    .split("\n");
  expect(lines).toHaveLength(1 + folder.files.length);
  expect(lines[0]).toBe("file,label,origin");
  for (const [place, file] of folder.files.entries()) {
    const quoted = place % 2 === 0 ? file : `"${file.replaceAll('"', '""')}"`;
    const said = folder.server.known()[file];
    const line = lines.find((each) => each.startsWith(`${quoted},`))!;
    if (said) expect(line).toBe(`${quoted},${said.label},given`);
    else expect(line).toMatch(/,(red|blue),predicted$/);
  }
});

test.describe("with a network of the server's", () => {
  test.use({ checkpoint: CHECKPOINT });
  test("it is the one that is used", async ({ visit }) => {
    const { page } = visit;
    await opened(page);
    await page.locator('a[data-panel="checkpoint"]').click();
    await expect(page.locator(".card h2")).toHaveText("The untrained network");
  });
});

base("a page that no kith label serves says what to do", async ({ visit }) => {
  visit.expected.push(/404/);
  await visit.open("label?source=folder");
  const trouble = visit.page.locator(".error-box");
  await expect(trouble).toContainText("not opened by `kith label`");
  await expect(trouble).toContainText("kith label FOLDER");
  await visit.accessible("label, no folder");
});

test("images that cannot be read are named and left out", async ({ visit, folder }) => {
  const { page } = visit;
  visit.expected.push(/404/);
  writeFileSync(join(folder.path, folder.files[3]!), "no picture");
  await opened(page);
  await expect(page.getByRole("alert")).toContainText(`could not read ${folder.files[3]!}`);
  await expect(page.locator(".label-figures")).toContainText("39 left");
  await labelled(page, 3);
  expect(Object.values(folder.server.known()).filter(({ label }) => label)).toHaveLength(3);
});
