// A run that somebody shares: its link runs it again and says how far it agrees.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { expect, test } from "./visit.js";

test("a link runs a run again, to the bit in the same browser, and the terminal takes it too", async ({
  visit,
}) => {
  const { page } = visit;
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await visit.open("learn?steps=75&batch=16&recipe=simclr&seed=7");
  await page.getByRole("button", { name: /^Start learning/ }).click();
  const step = async () =>
    Number(/(\d+) of 75/.exec((await page.locator(".numbers").textContent())!)![1]);
  await expect(page.locator(".numbers")).toContainText(/\d+ of 75/, { timeout: 60_000 });
  await expect.poll(step, { timeout: 120_000 }).toBeGreaterThan(17);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Copy a link to this run" }).click();
  await expect(page.getByText("The link is copied.")).toBeVisible();
  const link = (await page.locator("pre.link").textContent())!;
  expect(link).toMatch(/#learn\?run=[\w-]+$/);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);

  await visit.open(`learn?run=${link.split("run=")[1]}`);
  await expect(page.getByText("A run that somebody shared")).toBeVisible();
  await expect(page.locator(".offer")).toContainText(
    /Recipe simclr, seed 7, 75 steps at 32 pixels, run by kith .* on: CPU/,
    { timeout: 60_000 },
  );
  await visit.accessible("learn, a shared run");
  await page.getByRole("button", { name: "Run it again" }).click();
  await expect(page.locator(".agreement")).toHaveText(
    "The losses of the first 16 steps are equal to the bit.",
    { timeout: 120_000 },
  );

  // The same as the command line would have recorded it.
  const record = inflateRawSync(Buffer.from(link.split("run=")[1]!, "base64url")).toString();
  const terminal = record.replace('"ran_in":"browser"', '"ran_in":"terminal"');
  expect(terminal).not.toBe(record);
  await visit.open(`learn?run=${deflateRawSync(terminal).toString("base64url")}`);
  await expect(page.locator(".offer pre")).toHaveText(/^kith replay 'http.+run=[\w-]+'$/, {
    timeout: 60_000,
  });
  await expect(page.getByRole("button", { name: "Run it again" })).toHaveCount(0);

  const target = process.env["CARGO_TARGET_DIR"] ?? join(import.meta.dirname, "../../target");
  const kith = join(target, "release/kith");
  test.skip(!existsSync(kith), "the native program is not built");
  const built = join(import.meta.dirname, "../../www/dist");
  const words = ["replay", link, "--first-steps", "--device", "cpu", "--json", "--page", built];
  const { agrees, first_steps: first } = JSON.parse(
    execFileSync(kith, words, { encoding: "utf8" }),
  );
  expect(["to_the_bit", "within_rounding"]).toContain(agrees);
  expect(first.steps).toBe(16);
});

test("a link that is cut off says so, and another run can be begun", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?run=abc");
  await expect(page.getByText(/cut off or changed/).first()).toBeVisible({ timeout: 60_000 });
  await page.getByRole("button", { name: "Begin a run of my own" }).click();
  await expect(page.getByRole("button", { name: /^Start learning/ })).toBeVisible();
  expect(page.url()).not.toContain("run=");
});
