// The tour, and what comes out of a printer.
import { expect, PANELS, test } from "./visit.js";

test("the tour goes through the panels by keyboard, and is remembered", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await page.getByRole("link", { name: "Take the tour" }).focus();
  await page.keyboard.press("Enter");
  const card = page.getByRole("dialog");
  await expect(card).toContainText("step 1 of 7");
  await expect(card.locator("h2")).toBeFocused();
  await visit.accessible("the tour");
  const seen: string[] = [];
  for (let step = 1; step <= 7; step += 1) {
    await expect(card).toContainText(`step ${step} of 7`);
    await expect(card.locator("h2")).toBeFocused();
    seen.push(new URL(page.url()).hash.slice(1).split("?")[0]!);
    if (step === 7) break;
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
  }
  expect(seen).toEqual([
    "neighbours",
    "augmentations",
    "learn",
    "probe",
    "label",
    "map",
    "neighbours",
  ]);
  await page.goBack();
  await expect(card).toContainText("step 6 of 7");
  await page.reload();
  await expect(card, "the address has the step").toContainText("step 6 of 7");
  await page.goto("./");
  await expect(page.getByRole("link", { name: "Go on with the tour, step 6 of 7" })).toBeVisible();
  await page.getByRole("link", { name: "Go on with the tour, step 6 of 7" }).click();
  await expect(card.locator("h2")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(card).toHaveCount(0);
  await expect(page.getByRole("link", { name: "The tour again" })).toBeFocused();
  expect(page.url()).not.toContain("tour");
  await page.reload();
  await expect(page.getByRole("link", { name: "The tour again" })).toBeVisible();
});

test("the tour covers nothing on a phone", async ({ visit }) => {
  const { page } = visit;
  await page.setViewportSize({ width: 360, height: 740 });
  await visit.open("neighbours?tour=1");
  const fixed = await page.evaluate(() =>
    [...document.querySelectorAll("body *")]
      .filter((element) => getComputedStyle(element).position === "fixed")
      .map(({ outerHTML }) => outerHTML.slice(0, 80)),
  );
  expect(fixed).toEqual([]);
});

test("every panel prints with its title and address, black on white, without controls", async ({
  visit,
}) => {
  const { page } = visit;
  await page.emulateMedia({ colorScheme: "dark" });
  for (const panel of PANELS) {
    await visit.open(panel);
    await page.waitForTimeout(300);
    // A real print: it tells the page beforehand.
    expect((await page.pdf()).length, panel).toBeGreaterThan(5000);
    await page.emulateMedia({ media: "print" });
    const line = page.locator(".printed");
    await expect(line).toBeVisible();
    await expect(line).toContainText(page.url());
    await expect(line).toContainText((await page.locator("#panels [aria-current]").textContent())!);
    await expect(page.locator("h1")).toBeVisible();
    const words = await page.locator("main > .panel").innerText();
    expect(words.length, `${panel} is on the paper`).toBeGreaterThan(60);
    const [paper, ink] = await page.evaluate(() => {
      const { backgroundColor, color } = getComputedStyle(document.body);
      return [backgroundColor, color];
    });
    expect([paper, ink], panel).toEqual(["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
    const controls = page.locator("button:not(.cell, td button), select, input, nav");
    for (const control of await controls.all()) await expect(control).toBeHidden();
    await page.emulateMedia({ media: "screen" });
  }
});

test("a panel begins at its top, however far down the last one was", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await page.locator('a[data-panel="probe"]').click();
  await expect(page.locator(".probe .lead")).toBeInViewport();
  await expect(page).toHaveTitle(/^Probe · /);
});
