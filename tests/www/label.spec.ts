// Labelling one's own pictures: proposals with reasons, one key a label, and nothing is lost.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { dayOf } from "../../www/src/label/saved-run.js";
import { wilson } from "../../www/src/label/wilson.js";
import { addPictures, expect, test, TIMED, userPicture } from "./visit.js";

/** The longest task on the main thread while pictures are labelled, in milliseconds. */
const LONGEST = 50;

/** Pictures whose name says whether they are warm or cold. */
async function colours(page: Page, count: number) {
  const all = Array.from({ length: count }, (_, place) => {
    const hue = (place % 2 === 0 ? 0 : 200) + 1.7 * (place >> 1);
    return `hsl(${hue.toFixed(1)} 80% ${35 + (place % 5) * 7}%)`;
  });
  return Promise.all(all.map((colour) => userPicture(page, colour)));
}

const shown = (page: Page) => page.locator(".shown figcaption strong");
const hueOf = (name: string) => Number(/hsl\(([\d.]+)/.exec(name)![1]);
/** The key of a picture's class: 1 is warm, 2 is cold. */
const keyOf = (name: string) => (hueOf(name) < 150 ? "1" : "2");

/** Opens the panel with some pictures and the classes warm and cold. */
async function opened(page: Page, count: number) {
  await addPictures(page, await colours(page, count));
  await expect(shown(page)).toBeVisible({ timeout: 60_000 });
  for (const name of ["warm", "cold"]) {
    await page.keyboard.press("+");
    await page.keyboard.type(name);
    await page.keyboard.press("Enter");
  }
  await expect(page.locator(".class-buttons button")).toHaveCount(2);
}

/** Labels so many pictures by keyboard; returns what was said of each. */
async function labelled(page: Page, count: number) {
  const said: { name: string; aside: boolean; reason: string }[] = [];
  for (let number = 0; number < count; number += 1) {
    const name = (await shown(page).textContent())!;
    const aside = (await page.locator(".shown.aside-picture").count()) > 0;
    said.push({ name, aside, reason: (await page.locator(".shown .reason").textContent())! });
    await page.keyboard.press(keyOf(name));
    await expect(shown(page)).not.toHaveText(name);
  }
  return said;
}

/** What the browser keeps of labels and notes, by the name of the picture. */
const kept = (page: Page): Promise<Record<string, { label?: string; note?: string }>> =>
  page.evaluate(async () => {
    const opened = indexedDB.open("kith-pictures");
    await new Promise((done) => (opened.onsuccess = done));
    const store = opened.result.transaction("pictures").objectStore("pictures");
    const [keys, values] = [store.getAllKeys(), store.getAll()];
    await new Promise((done) => (store.transaction.oncomplete = done));
    opened.result.close();
    const all = new Map(keys.result.map((key, at) => [String(key), values.result[at] as unknown]));
    return Object.fromEntries(
      [...all].flatMap(([key, value]) => {
        if (!key.startsWith("picture ")) return [];
        const id = key.slice(8);
        const [label, note] = [all.get(`label ${id}`), all.get(`note ${id}`)];
        return [[(value as { name: string }).name, { label, note }]];
      }),
    ) as Record<string, { label?: string; note?: string }>;
  });

test("twenty pictures are labelled by keyboard, and after a reload everything is there", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("label");
  await expect(page.getByText("Choose the pictures that you want to label")).toBeVisible();
  await visit.accessible("label, no pictures");
  await opened(page, 40);
  await expect(page.getByText("Proposed now: pictures that stand for most others")).toBeVisible();
  await visit.accessible("label, the first picture");
  const said = await labelled(page, 20);
  expect(said.map(({ aside }) => aside)).toEqual(
    Array.from({ length: 20 }, (_, place) => (place + 1) % 5 === 0),
  );
  expect(said[0]!.reason).toMatch(/^Stands for \d+ pictures? that ha/);
  expect(said[4]!.reason).toContain("set aside: nothing learns from this label");
  expect(new Set(said.map(({ name }) => name)).size, "no picture twice").toBe(20);
  await expect(page.getByText("Proposed now: pictures that stand for most")).toBeVisible();
  await expect(page.locator(".label-figures")).toContainText("4 set aside, 0 unknown, 20 left");
  await expect(page.locator(".label-figures")).toContainText("Cross-validated accuracy");
  await expect(page.locator(".label-figures")).toContainText("there are 4");
  await expect(page.locator(".label-figures"), "aside is not learnt from").toContainText(
    "of 16 labels, each guessed by a probe that has not seen it",
  );
  await page.keyboard.press("u");
  await expect(page.locator(".label-figures")).toContainText("1 unknown, 19 left");
  const stored = await kept(page);
  for (const { name, aside } of said) {
    const label = keyOf(name) === "1" ? "warm" : "cold";
    expect(stored[name], name).toEqual({ label, ...(aside && { note: "aside" }) });
  }
  expect(Object.values(stored).filter(({ note }) => note === "unknown")).toHaveLength(1);
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await visit.accessible(`label, twenty labels, ${colorScheme}`);
  }

  await page.reload();
  await expect(page.locator(".label-figures")).toContainText("4 set aside, 1 unknown, 19 left", {
    timeout: 60_000,
  });
  await expect(page.locator(".class-buttons button").first()).toContainText("warm");
  expect(await kept(page)).toEqual(stored);
});

test("unknown, skip, undo, and keys that can be switched off", async ({ visit }) => {
  const { page } = visit;
  await visit.open("label");
  await opened(page, 12);
  const figures = page.locator(".label-figures");
  const first = (await shown(page).textContent())!;
  await page.keyboard.press("u");
  await expect(shown(page)).not.toHaveText(first);
  await expect(figures).toContainText("1 unknown, 11 left");
  await page.keyboard.press("z");
  await expect(shown(page)).toHaveText(first);
  await expect(figures).toContainText("0 unknown, 12 left");
  await page.keyboard.press("1");
  await expect(shown(page)).not.toHaveText(first);
  await page.keyboard.press("Backspace");
  await expect(shown(page)).toHaveText(first);
  expect((await kept(page))[first]).toEqual({});
  const skipped = first;
  for (const key of [" ", "ArrowRight"]) {
    const name = (await shown(page).textContent())!;
    await page.keyboard.press(key);
    await expect(shown(page)).not.toHaveText(name);
  }
  await expect(figures, "skipping says nothing").toContainText("0 unknown, 12 left");
  const labels = await labelled(page, 10);
  expect(
    labels.map(({ name }) => name),
    "what was put off comes last",
  ).not.toContain(skipped);
  await expect(shown(page)).toBeVisible();
  const rest = [(await shown(page).textContent())!];
  await page.getByRole("checkbox", { name: "Single keys label" }).uncheck();
  expect(page.url()).toContain("keys=off");
  await page.keyboard.press("1");
  await expect(shown(page)).toHaveText(rest[0]!);
  // Buttons and the pointer do the same.
  await page.getByRole("button", { name: "warm" }).click();
  await expect(shown(page)).not.toHaveText(rest[0]!);
  await page.getByRole("button", { name: "Unknown" }).click();
  await expect(page.getByText("Every picture has a label, or is marked as unknown")).toBeVisible();
  await expect(page.getByRole("button", { name: "Skip for now" })).toBeDisabled();
  await visit.accessible("label, nothing left");
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(shown(page)).toBeVisible();
});

test("a label that was given is there in the next tab, however the last one ended", async ({
  visit,
  context,
}) => {
  const { page } = visit;
  await visit.open("label");
  await opened(page, 8);
  const { name } = (await labelled(page, 1))[0]!;
  const url = page.url();
  await page.close({ runBeforeUnload: false });
  const next = await context.newPage();
  await next.goto(url);
  await expect(next.locator(".label-figures")).toContainText("7 left", { timeout: 60_000 });
  expect((await kept(next))[name]!.label).toMatch(/warm|cold/);
});

test("a full storage and a browser that stores nothing say so above the desk", async ({
  visit,
  context,
}) => {
  const { page } = visit;
  await visit.open("label");
  const devtools = await context.newCDPSession(page);
  const { origin } = new URL(page.url());
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
  await opened(page, 8);
  const { name } = (await labelled(page, 1))[0]!;
  const line = page.getByText("would be gone after a reload: its storage for this page is full");
  await expect(line).toBeVisible();
  await visit.accessible("label, a full storage");
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  await page.getByRole("button", { name: "Try to keep them again" }).click();
  await expect(page.locator(".kept")).toContainText("keeps your 8 pictures");
  await expect(line).toBeHidden();
  expect((await kept(page))[name]!.label).toMatch(/warm|cold/);

  await page.addInitScript(() => {
    indexedDB.open = () => {
      throw new DOMException("A mutation operation was attempted", "InvalidStateError");
    };
  });
  await page.reload();
  await opened(page, 8);
  await labelled(page, 1);
  await expect(page.getByText("as in some private windows").first()).toBeVisible();
});

test("what is unknown or set aside is in saved work, and forgotten with the pictures", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("label");
  await opened(page, 12);
  await labelled(page, 5);
  await page.keyboard.press("u");
  await expect(page.locator(".label-figures")).toContainText("1 set aside, 1 unknown, 6 left");
  const before = await kept(page);
  await page.locator('a[data-panel="checkpoint"]').click();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "All of your work, with your pictures" }).click();
  const project = readFileSync(await (await coming).path());
  await page.locator('a[data-panel="label"]').click();
  await page.getByRole("button", { name: "Forget my pictures" }).click();
  await page.getByRole("button", { name: "Yes, forget them" }).click();
  await expect(page.getByText("Choose the pictures that you want to label")).toBeVisible();
  expect(await kept(page)).toEqual({});
  await page.locator('a[data-panel="checkpoint"]').click();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Open saved work" }).click();
  const file = { name: "p.safetensors", mimeType: "", buffer: project };
  await (await chooser).setFiles(file);
  await page.locator('a[data-panel="label"]').click();
  await expect(page.locator(".label-figures")).toContainText("1 set aside, 1 unknown, 6 left", {
    timeout: 60_000,
  });
  await expect.poll(() => kept(page)).toEqual(before);
});

test(
  "a toy run with the emoji: rules in the address, short tasks, few images, and the truth",
  TIMED,
  async ({ visit }) => {
    const { page } = visit;
    await visit.open("label?source=gallery&rule=different");
    await visit.accessible("label, the toy run is offered");
    await page.getByRole("button", { name: /^Begin \(/ }).click();
    await expect(shown(page)).toBeVisible({ timeout: 60_000 });
    await expect(page.locator(".class-buttons button")).toHaveCount(9);
    await expect(page.locator(".shown .reason")).toHaveText(/No picture has a label yet/);
    const next = async (key: string): Promise<void> => {
      const name = (await shown(page).textContent())!;
      await page.keyboard.press(key);
      await expect(shown(page)).not.toHaveText(name);
    };
    for (const key of "12312312312") await next(key);
    await expect(page.locator(".shown .reason")).toHaveText(/is only 0\.\d\d alike/);
    const rule = page.getByLabel("Propose");
    await rule.selectOption("random");
    expect(page.url()).toContain("rule=random");
    await expect(page.locator(".shown .reason")).toHaveText("Drawn by chance.");
    // Doubts can be asked for once the probe has learnt, which takes a busy machine a while.
    const learnt = page.locator(".label-figures");
    await expect(learnt).toContainText("Cross-validated accuracy", { timeout: 60_000 });
    await rule.selectOption("uncertain");
    await expect(page.locator(".shown .reason")).toHaveText(
      /^The probe says .+ \d+\s%, .+ \d+\s%\.$/,
    );
    await rule.evaluate((own) => (own as HTMLElement).blur());
    // Whatever the panel does, it does in each round; what happens in some is the machine's own.
    const longest: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await page.evaluate(() => (window.longTasks.length = 0));
      for (const key of "1234123412") await next(key);
      longest.push(await page.evaluate(() => Math.max(0, ...window.longTasks)));
    }
    const best = Math.min(...longest);
    expect(best, `longest tasks among 3,672 pictures: ${longest} ms`).toBeLessThan(LONGEST);
    expect(await page.locator("main .picture").count(), "images at a time").toBeLessThan(60);
    await page.getByRole("button", { name: "How right was I?" }).click();
    await expect(page.getByText(/^\d+ of 41 right$/)).toBeVisible();
    await expect(page.getByText(/^\d+ of 3631 right$/)).toBeVisible();
    await page.reload();
    await page.getByRole("button", { name: /^Begin/ }).click();
    await expect(page.locator(".label-figures"), "labels of a toy run are not kept").toContainText(
      "3672 left",
      { timeout: 60_000 },
    );
  },
);

test("a finger labels as well as a key, and ten labels set aside have their accuracy and its interval", async ({
  visit,
}) => {
  const { page } = visit;
  await page.setViewportSize({ width: 390, height: 800 });
  await visit.open("label?source=gallery");
  await page.getByRole("button", { name: /^Begin/ }).click();
  await expect(shown(page)).toBeVisible({ timeout: 60_000 });
  for (let number = 0; number < 50; number += 1) {
    const name = (await shown(page).textContent())!;
    await page
      .locator(".class-buttons button")
      .nth(number % 3)
      .dispatchEvent("click");
    await expect(shown(page)).not.toHaveText(name);
  }
  const figures = page.locator(".label-figures");
  await expect(figures).toContainText("Accuracy on the labels set aside", { timeout: 20_000 });
  await expect(figures).toContainText(/\d+ of 10; 95 % interval \d+ to \d+ %/);
  await expect(figures.locator(".uplot")).toBeVisible();
  const buttons = page.locator(".class-buttons button");
  const box = (await buttons.first().boundingBox())!;
  expect(box.height).toBeGreaterThanOrEqual(44);
  await visit.accessible("label on a phone");
});

test("days are named as people name them", () => {
  const noon = new Date(2026, 4, 20, 12).getTime();
  expect(dayOf(new Date(2026, 4, 20, 0, 1).getTime(), noon)).toBe("today");
  expect(dayOf(new Date(2026, 4, 19, 23, 59).getTime(), noon)).toBe("yesterday");
  expect(dayOf(new Date(2026, 4, 3).getTime(), noon)).toBe("May 3");
});

test("the interval of a share is Wilson's", () => {
  // R: prop.test(c(8), c(10), correct = FALSE), and of 0 of 10, 50 of 100.
  for (const [right, count, low, high] of [
    [8, 10, 0.4901625, 0.9433178],
    [0, 10, 0, 0.2775328],
    [10, 10, 0.7224672, 1],
    [50, 100, 0.4038315, 0.5961685],
  ] as const) {
    const found = wilson(right, count);
    expect(found.low).toBeCloseTo(low, 5);
    expect(found.high).toBeCloseTo(high, 5);
  }
  expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
});
