// Measures and clusters of embeddings, against laws and oracles written another way.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Embeddings, kMeans, measure } from "../../../web/dist/node.js";
import { codeOf, numbers } from "../made.mjs";

const near = (got, expected, bound = 1e-5) =>
  assert.ok(Math.abs(got - expected) < bound, `${got}, expected ${expected}`);

/** Rows along the axes, each as long as told. */
const axes = (...lengths) => {
  const dim = lengths.length;
  const data = Float32Array.from({ length: dim * dim }, (_, i) =>
    i % dim === Math.floor(i / dim) ? lengths[i % dim] : 0,
  );
  return new Embeddings(data, dim);
};

/** Three clouds far from each other, by turns. */
const clouds = new Embeddings(
  numbers(60 * 4, 3).map((x, i) => 0.3 * x + (i % 4 === Math.floor(i / 4) % 3 ? 3 : 0)),
  4,
);

test("RankMe counts directions by their strength", async () => {
  near((await measure(axes(2, 2, 2))).rankMe, 3);
  near((await measure(axes(3, 1))).rankMe, 4 / 3 ** 0.75);
  near((await measure(new Embeddings(Float32Array.of(1, 2, -2, -4), 2))).rankMe, 1);
});

test("uniformity and spread are those of their formulas", async () => {
  const { uniformity, spread } = await measure(clouds);
  const unit = clouds.normalize();
  const rows = Array.from({ length: unit.count }, (_, place) => Array.from(unit.row(place)));
  const pairs = rows.flatMap((a, i) =>
    rows.slice(0, i).map((b) => Math.exp(-2 * Math.hypot(...a.map((x, k) => x - b[k])) ** 2)),
  );
  const mean = (all) => all.reduce((sum, x) => sum + x, 0) / all.length;
  near(uniformity, Math.log(mean(pairs)));
  const deviation = (column) => Math.sqrt(mean(column.map((x) => x * x)) - mean(column) ** 2);
  const deviations = rows[0].map((_, k) => deviation(rows.map((row) => row[k])));
  near(spread, mean(deviations) * Math.sqrt(unit.dim));
});

test("k-means finds clouds, the same for the same seed, whatever the numbers of clusters", async () => {
  const { assignments, centres, inertia } = await kMeans(clouds, 3, { seed: 7 });
  assert.deepEqual(await kMeans(clouds, 3, { seed: 7 }), { assignments, centres, inertia });
  for (let place = 0; place < 60; place += 1) {
    assert.equal(assignments[place], assignments[place % 3], `row ${place}`);
  }
  assert.equal(new Set(assignments).size, 3);
  assert.equal(centres.length, 3 * 4);
  let sum = 0;
  for (let i = 0; i < clouds.data.length; i += 1) {
    sum += (clouds.data[i] - centres[4 * assignments[Math.floor(i / 4)] + (i % 4)]) ** 2;
  }
  near(inertia, sum, 1e-3);
});

test("what cannot be measured or clustered is refused", async () => {
  const one = new Embeddings(Float32Array.of(1, 2), 2);
  assert.equal(await codeOf(() => measure(one)), "TOO_FEW_EXAMPLES");
  assert.equal(await codeOf(() => kMeans(one, 2)), "TOO_FEW_EXAMPLES");
  assert.equal(await codeOf(() => kMeans(one, 0)), "SETTING");
  assert.equal(await codeOf(() => kMeans(one, 1, { seed: -1 })), "SETTING");
  const none = new Embeddings(Float32Array.of(NaN, 2), 2);
  assert.equal(await codeOf(() => measure(none)), "SETTING");
});
