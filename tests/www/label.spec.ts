// Labelling one's own pictures: proposals with reasons, one key a label, and nothing is lost.
import type { Page } from "@playwright/test";
import { wilson } from "../../www/src/label/wilson.js";
import { addPictures, expect, test, userPicture } from "./visit.js";

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
  test.setTimeout(120_000);
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
  await expect(page.getByText("Proposed now: pictures whose two likeliest")).toBeVisible();
  await expect(page.locator(".label-figures")).toContainText("4 set aside, 0 unknown, 20 left");
  await expect(page.locator(".label-figures")).toContainText("Cross-validated accuracy");
  await expect(page.locator(".label-figures")).toContainText("there are 4");
  await page.keyboard.press("u");
  await expect(page.locator(".label-figures")).toContainText("1 unknown, 19 left");
  const stored = await kept(page);
  for (const { name, aside } of said) {
    const label = keyOf(name) === "1" ? "warm" : "cold";
    expect(stored[name], name).toEqual({ label, ...(aside && { note: "aside" }) });
  }
  expect(Object.values(stored).filter(({ note }) => note === "unknown")).toHaveLength(1);
  await visit.accessible("label, twenty labels");

  await page.reload();
  await expect(page.locator(".label-figures")).toContainText("4 set aside, 1 unknown, 19 left", {
    timeout: 60_000,
  });
  await expect(page.locator(".class-buttons button").first()).toContainText("warm");
  expect(await kept(page)).toEqual(stored);
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
