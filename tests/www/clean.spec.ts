// Clean-up in the page: what is found is accepted or rejected, and nothing happens unasked.
import { readFileSync } from "node:fs";
import { png } from "../png.js";
import { expect, test } from "./visit.js";

/** A picture file: a disc of a colour on a ground, placed by its number. */
function disc(number: number, colour: readonly number[]): Buffer {
  const side = 48;
  let state = number + 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let burn = 0; burn < 8; burn += 1) random();
  const [x, y, radius] = [14 + 20 * random(), 14 + 20 * random(), 6 + 8 * random()];
  const ground = [0, 1, 2].map(() => 110 + 130 * random());
  const inside = (column: number, row: number): boolean => Math.hypot(column - x, row - y) < radius;
  return png(side, side, (column, row) => [...(inside(column, row) ? colour : ground), 255]);
}

const [RED, BLUE] = [
  [220, 40, 40],
  [40, 60, 220],
] as const;
const file = (name: string, buffer: Buffer) => ({ name, mimeType: "image/png", buffer });

test("a copy is found, compared, accepted by key, and taken out when asked", async ({ visit }) => {
  const { page } = visit;
  await visit.open("clean");
  await visit.accessible("clean, before");
  const files = Array.from({ length: 40 }, (_, number) =>
    file(`p${number}.png`, disc(number, number % 2 ? RED : BLUE)),
  );
  files.push(file("again.png", disc(7, RED)));
  await page.locator('input[type="file"]').first().setInputFiles(files);
  await expect(page.getByText("41 pictures, 0 of them with a label.")).toBeVisible();
  await page.getByRole("button", { name: "Look through them" }).click();
  const first = page.locator(".findings > li").first();
  await expect(first).toContainText(
    /(again|p7) looks like (p7|again), which is kept \(cosine 1\.0000\)/,
    {
      timeout: 90_000,
    },
  );
  await expect(first.locator(".picture")).toHaveCount(2);
  await visit.accessible("clean, findings");
  await first.focus();
  await page.keyboard.press("a");
  const summary = page.locator(".review > p").first();
  await expect(summary).toContainText(/\d+ findings, 1 accepted/);
  const [, count] = /^(\d+) findings/.exec((await summary.textContent())!)!;
  await expect(page.getByText(/^41 pictures/), "nothing is taken out unasked").toBeVisible();

  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save the list" }).click();
  const list = readFileSync(await (await coming).path(), "utf8");
  expect(list).toMatch(/^(again|p7)\.png\n$/);
  await page.getByRole("button", { name: "Take 1 out of my pictures" }).click();
  await expect(page.getByText(/^40 pictures/)).toBeVisible();
  // Whatever else was found of that picture is gone, too.
  await expect(summary).toContainText(/^\d+ findings, 0 accepted/);
  const [, left] = /^(\d+) findings/.exec((await summary.textContent())!)!;
  expect(Number(left)).toBeLessThan(Number(count));
  await expect(page.locator(".findings > li")).toHaveCount(Number(left));
});

test("among the emoji, labels are judged and each finding has its reason", async ({ visit }) => {
  const { page } = visit;
  await visit.open("clean?clean=gallery");
  await page.getByRole("button", { name: "Look through them" }).click();
  await expect(page.getByRole("heading", { name: /^Doubtful labels \(\d+\)/ })).toBeVisible({
    timeout: 200_000,
  });
  await expect(
    page.getByText(/labelled .+, looks like .+ \(probabilities \d+\s%/).first(),
  ).toBeVisible();
  await expect(page.getByRole("button", { name: /out of my pictures/ })).toHaveCount(0);
});
