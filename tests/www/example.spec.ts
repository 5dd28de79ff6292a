// The first screen: an example that a rule chose, and at which number each network finds its other drawing.
import { readFileSync } from "node:fs";
import { expect, test } from "./visit.js";

const file = (name: string) => readFileSync(new URL(`../../www/dist/${name}`, import.meta.url));

interface Metadata {
  readonly info: { readonly dim: number };
  readonly scale: readonly number[];
  readonly least: number[];
  readonly levels: number;
  readonly heldOut: readonly number[];
}

/** Embeddings of the build: rows of length one. */
function rowsOf(name: string): Float64Array[] {
  const { info, least, scale, levels } = JSON.parse(
    file(`networks/${name}.json`).toString(),
  ) as Metadata;
  const stored = file(`networks/${name}.bin`);
  const count = (2 * stored.length) / info.dim;
  return Array.from({ length: count }, (_, row) => {
    const values = Float64Array.from({ length: info.dim }, (_, column) => {
      const at = column * count + row;
      const step = (stored[at >> 1]! >> (4 * (at % 2))) & 15;
      return least[column]! + (step * scale[column]!) / levels;
    });
    const length = Math.hypot(...values);
    return values.map((value) => value / length);
  });
}

/** The number of picture `wanted` among the neighbours of picture `query`, the first on ties. */
function rank(rows: readonly Float64Array[], query: number, wanted: number): number {
  const near = (row: number): number => {
    let sum = 0;
    for (let i = 0; i < rows[row]!.length; i += 1) sum += rows[row]![i]! * rows[query]![i]!;
    return sum;
  };
  const own = near(wanted);
  const before = rows.filter((_, row) => {
    if (row === query || row === wanted) return false;
    return near(row) > own + 1e-7;
  });
  return before.length + 1;
}

/** Numbers of the drawings that were kept aside, from the smallest to the largest, and the one at a share. */
function atShare(ranks: readonly number[], share: number): number {
  return ranks.toSorted((a, b) => a - b)[Math.ceil(share * ranks.length) - 1]!;
}

const names = file("gallery/emoji.txt").toString().trim().split("\n").slice(1);
const { heldOut } = JSON.parse(file("networks/trained.json").toString()) as Metadata;

test("the example is the one in the middle, and says how it was chosen", async ({ visit }) => {
  const { page } = visit;
  const [trained, random] = [rowsOf("trained"), rowsOf("random")];
  const ranks = heldOut.map((picture) => rank(trained, picture, picture ^ 1));
  const median = atShare(ranks, 1 / 2);
  const example = heldOut[ranks.indexOf(median)]!;
  await visit.open("neighbours");
  await expect(page.locator(".query strong")).toHaveText(names[example >> 1]!.slice(1));
  const lead = page.locator(".about .lead");
  await expect(lead).toContainText(`number ${median} for the trained network`);
  const other = rank(random, example, example ^ 1);
  await expect(lead).toContainText(`number ${other} for the untrained network`);
  const rule = page.locator(".rule");
  await expect(rule).toContainText(`of the ${heldOut.length} emoji that were not in training`);
  await expect(rule).toContainText("in the middle");
  await visit.accessible("the first screen");
});

test("another example follows by the same rule, and the address names it", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  const first = await page.locator(".query strong").textContent();
  await page.getByRole("button", { name: "Another example" }).click();
  await expect(page.locator(".query strong")).not.toHaveText(first!);
  await expect(page.locator(".rule")).toContainText("after 25 % of them");
  const trained = rowsOf("trained");
  const ranks = heldOut.map((picture) => rank(trained, picture, picture ^ 1));
  const quarter = `number ${atShare(ranks, 1 / 4)} for the trained network`;
  await expect(page.locator(".about .lead")).toContainText(quarter);
  const address = page.url();
  await page.reload();
  await expect(page.locator(".rule")).toContainText("after 25 % of them");
  expect(page.url()).toBe(address);
});

test("a picture that somebody picks has numbers too, but no rule", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await page.getByLabel("Search pictures by name").fill("rainbow");
  await page.locator(".picker .cell").first().click();
  await expect(page.locator(".about .lead")).toContainText(/number [\d,]+ for the trained/);
  await expect(page.locator(".rule")).toHaveCount(0);
  await page.getByRole("button", { name: "Another example" }).click();
  await expect(page.locator(".rule")).toContainText("in the middle");
});
