// Kept runs: two of them side by side, after a reload, in place of others, and where nothing can be stored.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, test } from "./visit.js";

const SOON = { timeout: 60_000 };

/** Trains a run by its address to its end. */
async function train(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.getByRole("button", { name: "Done" })).toBeVisible({ timeout: 120_000 });
}

async function keep(page: Page, title: string): Promise<void> {
  await page.getByRole("button", { name: "Keep it to compare" }).click();
  await expect(page.locator("main").getByText(`Kept as ${title}`)).toBeVisible(SOON);
}

/** Numbers in a row of a table of the comparison, as they are shown. */
const row = (page: Page, title: RegExp) =>
  page.locator(".run-table tr", { has: page.getByRole("rowheader", { name: title }) });

/** Keeps copies of the first run under other numbers, with another seed each. */
const copied = (page: Page, seeds: readonly number[]): Promise<void> =>
  page.evaluate(async (all) => {
    const opened = indexedDB.open("kith-kept-runs");
    await new Promise((done) => (opened.onsuccess = done));
    const transaction = opened.result.transaction("runs", "readwrite");
    const runs = transaction.objectStore("runs");
    const first = runs.get(1);
    first.onsuccess = () => {
      for (const [place, seed] of all.entries()) {
        const { config } = first.result as { config: object };
        const number = place + 2;
        runs.put({ ...first.result, number, config: { ...config, seed } }, number);
      }
    };
    await new Promise((done) => (transaction.oncomplete = done));
    opened.result.close();
  }, seeds);

/** Numbers of the runs that the browser keeps. */
const kept = (page: Page): Promise<number[]> =>
  page.evaluate(async () => {
    const opened = indexedDB.open("kith-kept-runs");
    await new Promise((done) => (opened.onsuccess = done));
    const all = opened.result.transaction("runs").objectStore("runs").getAllKeys();
    await new Promise((done) => (all.onsuccess = done));
    opened.result.close();
    return all.result as number[];
  });

test("two runs are kept, survive a reload, and are shown side by side", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?steps=16&batch=16&recipe=quick");
  await train(page);
  await keep(page, "Run 1: quick, seed 1");
  await expect(page.getByText("Keep a second one")).toBeVisible();
  await page.getByRole("button", { name: "Begin another run" }).click();
  await page.getByLabel("Recipe").selectOption("simclr");
  await page.getByRole("spinbutton", { name: "Seed" }).fill("7");
  await page.getByText("More settings").click();
  await page.getByLabel("One change a line").fill("objective.temperature=0.4");
  await train(page);
  await keep(page, "Run 2: simclr, seed 7");

  await page.reload();
  const kept = page.getByRole("region", { name: "Kept runs" });
  await expect(kept).toContainText("keeps 2 runs of at most 4");
  await expect(row(page, /^Method$/)).toHaveText("MethodNNCLRSimCLR");
  await expect(row(page, /^Seed$/)).toHaveText("Seed17");
  await kept.getByText(/settings of their recipes differ/).click();
  await expect(row(page, /^objective\.temperature$/)).toHaveText("objective.temperature0.10.4");
  await expect(row(page, /^Pictures seen$/)).toHaveText("Pictures seen2562560");
  // Losses of two methods have no difference; shares of the same pictures have one.
  await expect(row(page, /^Loss$/)).toHaveText(/^Loss[\d.]+–$/);
  await expect(row(page, /other vendor's drawing is nearest, of 736/)).toHaveText(
    /nearest, of 736 pictures\d+\.\d\s%\d+\.\d\s%([+−]\d+\.\d|0\.0)\spoints$/,
  );
  await expect(kept).toContainText("One run each proves little");
  await expect(kept).toContainText("more than one setting");

  const loss = kept.getByRole("img", { name: /^Loss: Run 1: quick, seed 1 \d.*, Run 2: simclr/ });
  await expect(loss).toBeVisible();
  await expect(loss.locator(".u-legend")).toContainText("Run 2: simclr, seed 7");
  await page.getByLabel("Along").selectOption("seconds");
  await expect(kept.locator(".u-legend").first()).toContainText("seconds");

  // The same six pictures, each with its neighbours by both networks.
  const rows = kept.locator(".neighbour-table tbody tr");
  await expect(rows.locator(".strip .picture")).toHaveCount(6 * 2 * 7);
  const asked = () => rows.locator("th .picture").first().getAttribute("aria-label");
  const before = await asked();
  await page.getByRole("button", { name: "Six other pictures" }).click();
  await expect.poll(asked).not.toBe(before);
  await kept.getByText("Choose pictures for the table").click();
  await kept.getByRole("searchbox").fill("croissant");
  await kept.locator(".picker .cell").first().click();
  await expect.poll(asked).toMatch(/^croissant/);
  await visit.accessible("learn, two kept runs");
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save every step of both as CSV" }).click();
  const lines = readFileSync(await (await coming).path(), "utf8")
    .trim()
    .split("\n");
  expect(lines[0]).toMatch(/^run,recipe,seed,step,seconds,loss,contrastive_accuracy,/);
  expect(lines).toHaveLength(1 + 2 * 16);
  expect(lines.at(-1)).toMatch(/^2,simclr,7,16,\d/);

  await kept.getByRole("button", { name: "Use it in other panels: Run 2: simclr, seed 7" }).click();
  await expect(page.getByText("use this network now")).toBeVisible(SOON);
  const remove = kept.getByRole("button", { name: "Remove Run 1: quick, seed 1" });
  await remove.click();
  await page.getByRole("button", { name: "No, keep it" }).press("Enter");
  await expect(remove, "the focus comes back").toBeFocused();
  await remove.press("Enter");
  await page.getByRole("button", { name: "Yes, remove it" }).click();
  await expect(kept).toContainText("keeps 1 run of at most 4");
  await page.reload();
  await expect(kept).toContainText("Run 2: simclr, seed 7");
  await expect(kept).not.toContainText("Run 1");
});

test("a fifth run asks which one makes room", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?steps=16&batch=16&recipe=quick");
  await train(page);
  await keep(page, "Run 1: quick, seed 1");
  await copied(page, [2, 3, 4]);

  await page.getByRole("button", { name: "Keep it to compare" }).click();
  await expect(page.getByText("keeps 4 runs, the most. Which one should make room?")).toBeVisible();
  await visit.accessible("learn, which run makes room");
  await page.getByRole("button", { name: "Keep the others" }).click();
  await expect(page.getByText("Not kept.")).toBeVisible();
  expect(await kept(page)).toEqual([1, 2, 3, 4]);
  await page.getByRole("button", { name: "Keep it to compare" }).click();
  await page.getByLabel("To be removed").selectOption("3");
  await page.getByRole("button", { name: "Remove it and keep this run" }).click();
  await expect(page.locator("main").getByText("Run 3: quick, seed 3 was removed.")).toBeVisible(
    SOON,
  );
  expect(await kept(page)).toEqual([1, 2, 4, 5]);
  await expect(page.locator(".kept-runs .run-title")).toHaveText([
    /^Run 1/,
    /^Run 2/,
    /^Run 4/,
    /^Run 5/,
  ]);

  await page.getByLabel("First run").selectOption("2");
  await page.getByLabel("Second run").selectOption("4");
  await expect(page.getByText("These runs differ in the seed alone")).toBeVisible();
  await expect(page.getByRole("rowheader", { name: "Recipe", exact: true })).toHaveCount(0);
});

test("a full storage says so, the run goes on, and it is kept when there is space", async ({
  visit,
  context,
}) => {
  const { page } = visit;
  await visit.open("learn?steps=16&batch=16&recipe=quick");
  const { origin } = new URL(page.url());
  const devtools = await context.newCDPSession(page);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
  await train(page);
  await expect(page.getByText(/does not save the run: its storage .* is full/)).toBeVisible();
  await page.getByRole("button", { name: "Keep it to compare" }).click();
  const wrong = page.getByRole("group", { name: "Something went wrong" });
  await expect(wrong).toContainText(
    "did not keep the run: its storage for this page is full",
    SOON,
  );
  await expect(wrong).toContainText("The run is still here");
  await visit.accessible("learn, no space for a run");
  expect(await kept(page)).toEqual([]);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  await wrong.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator("main").getByText("Kept as Run 1")).toBeVisible(SOON);
  expect(await kept(page)).toEqual([1]);
});
