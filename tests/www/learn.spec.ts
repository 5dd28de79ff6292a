// Training in the tab: it can be paused, resumed after a reload and exported, and the page stays
// responsive.
import { readFileSync } from "node:fs";
import { addPictures, expect, test, TIMED, userPicture } from "./visit.js";

/** The longest task that is allowed on the main thread during training, in milliseconds. */
const LONGEST = 100;

test(
  "it learns, pauses, resumes after a reload, and its checkpoint opens",
  TIMED,
  async ({ visit }) => {
    const { page } = visit;
    await visit.open("learn?steps=75&batch=32&recipe=quick");
    await visit.accessible("learn, before");
    await page.getByRole("button", { name: /^Start learning/ }).click();
    await expect(page.locator(".numbers")).toContainText(/\d+ of 75/, { timeout: 60_000 });
    await expect(page.locator("#device")).toContainText("Computing on the CPU");
    await page.evaluate(() => (window.longTasks.length = 0));
    const step = async () =>
      Number(/(\d+) of 75/.exec((await page.locator(".numbers").textContent())!)![1]);
    await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(22);
    const long = await page.evaluate(() => window.longTasks.filter((ms) => ms > 0));
    expect(Math.max(0, ...long), "longest task while it learns, in ms").toBeLessThan(LONGEST);
    await expect(page.locator(".uplot")).toHaveCount(2);
    await expect(page.locator(".neighbour-table .strip .picture").first()).toBeVisible();
    await page.getByRole("button", { name: "Pause" }).click();
    await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
    const paused = await step();
    await visit.accessible("learn, paused");

    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save the checkpoint" }).click();
    const header = readFileSync(await (await coming).path()).toString("latin1", 8, 4096);
    expect(header).toContain("encoder.convs.0.weight");

    await page.reload();
    await expect(page.getByText(`was saved at step ${paused}`)).toBeVisible();
    await page.getByRole("button", { name: "Resume the run" }).click();
    await expect(page.locator(".numbers")).toContainText("of 75", { timeout: 60_000 });
    await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(paused);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Use it in other panels" }).click();
    await expect(page.getByText("use this network now")).toBeVisible({ timeout: 60_000 });
    await page.getByRole("link", { name: "Neighbours" }).click();
    await expect(page.locator(".comparison h2").first()).toHaveText("trained here");
  },
);

test("neighbours get better within a short run, and the page says by how much", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("learn?steps=300");
  await expect(page.getByLabel("Recipe")).toHaveValue("minute");
  await page.getByRole("button", { name: /^Start learning/ }).click();
  const share = page.locator(".live-share");
  await expect(share).toContainText(/of 736 emoji, among all 3,672 drawings, at step 0$/, {
    timeout: 60_000,
  });
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 120_000 });
  await expect(share).toContainText("at step 300");
  const text = (await share.textContent())!;
  const [start = NaN, now = NaN] = [...text.matchAll(/([\d.]+)\s%/g)].map(([, value]) =>
    Number(value),
  );
  expect(now, text).toBeGreaterThan(start + 1);
  const rows = page.locator(".neighbour-table tbody tr");
  await expect(rows).toHaveCount(6);
  await expect(rows.locator("td small")).toHaveText(
    Array<RegExp>(12).fill(/^The other vendor's drawing is/),
  );
  await visit.accessible("learn, done");
});

test("a method that is told labels is refused where there are none", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?recipe=supcon&pictures=own");
  await expect(page.locator("main")).toContainText("It needs pictures that have labels.");
  const colours = Array.from({ length: 32 }, (_, place) => `hsl(${11 * place} 80% 50%)`);
  await addPictures(page, await Promise.all(colours.map((colour) => userPicture(page, colour))));
  await expect(page.getByText("32 pictures so far")).toBeVisible();
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".error-box")).toContainText("The recipe supcon learns from labels", {
    timeout: 40_000,
  });
});

test("every recipe of the package is offered, but those for few labels", async ({ visit }) => {
  const script: string = "../../web/dist/node.js";
  const { recipes } = (await import(script)) as typeof import("../../web/dist/index.js");
  await visit.open("learn");
  const options = visit.page.getByLabel("Recipe").locator("option");
  const texts = Object.entries(await recipes());
  const pretraining = texts.filter(([, text]) => !/^\[semi\b/m.test(text));
  expect(pretraining.length).toBe(texts.length - 2);
  await expect(options).toHaveText(pretraining.map(([name]) => name));
});

test("SimCLR learns too", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?steps=75&batch=16&recipe=simclr");
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".numbers")).toContainText(/[2-9] of 75/, { timeout: 60_000 });
  await expect(page.locator(".numbers")).not.toContainText("queue");
});

test("relational reasoning learns too", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?steps=75&batch=16&recipe=relational");
  await expect(page.getByLabel("Recipe")).toHaveValue("relational");
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".numbers")).toContainText(/[2-9] of 75/, { timeout: 60_000 });
  await expect(page.locator(".numbers")).toContainText(/Pair accuracy\s*\d/);
  await expect(page.locator(".numbers")).not.toContainText("queue");
});

test("methods with a teacher, with prototypes and with crops learn too", async ({ visit }) => {
  const { page } = visit;
  for (const recipe of ["byol", "dino", "swav", "vicreg"]) {
    await visit.open(`learn?steps=75&batch=8&recipe=${recipe}`);
    await expect(page.getByLabel("Recipe")).toHaveValue(recipe);
    await page.getByRole("button", { name: /^Start learning/ }).click();
    await expect(page.locator(".numbers")).toContainText(/[2-9] of 75/, { timeout: 60_000 });
    await page.getByRole("button", { name: "Pause" }).click();
  }
});
