// Labelling: proposals with their reasons, labels that spread, and learning from few labels.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Embeddings,
  LabelPool,
  loadEncoder,
  resumePretraining,
  resumeSemiSupervised,
  trainLinearProbe,
  trainSemiSupervised,
} from "../../../web/dist/node.js";
import { checkpoint, codeOf, numbers } from "../made.mjs";
import * as kith from "../../../web/dist/node.js";

/** Three directions with some noise, 20 rows each, one after the other. */
function directions() {
  const noise = numbers(60 * 3, 5);
  const rows = noise.map((x, i) => 0.2 * x + (i % 3 === Math.floor(i / 60) ? 1 : 0));
  return { embeddings: new Embeddings(rows, 3), truth: (place) => "abc"[Math.floor(place / 20)] };
}

const cosine = (a, b) => {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

test("proposals have reasons that are true", async () => {
  const { embeddings, truth } = directions();
  const pool = await LabelPool.create(embeddings, { device: "cpu" });
  const labels = Array(60).fill(null);
  const first = await pool.propose(labels, { rule: "representative", count: 3 });
  assert.deepEqual(first.map(({ place }) => truth(place)).sort(), ["a", "b", "c"]);
  for (const { reason } of first) assert.ok(reason.kind === "stands-for" && reason.count > 0);

  first.forEach(({ place }) => (labels[place] = truth(place)));
  const known = first.map(({ place }) => place);
  const [different] = await pool.propose(labels, { rule: "different" });
  const near = (place) =>
    Math.max(...known.map((other) => cosine(embeddings.row(place), embeddings.row(other))));
  const farthest = Math.min(...Array.from({ length: 60 }, (_, place) => near(place)));
  assert.ok(Math.abs(near(different.place) - farthest) < 1e-6);
  assert.ok(Math.abs(different.reason.cosine - farthest) < 1e-5);

  const probe = await trainLinearProbe(
    embeddings.select(known),
    known.map((place) => labels[place]),
    { device: "cpu" },
  ).result;
  const [uncertain] = await pool.propose(labels, { rule: "uncertain", probe, skip: [known[0]] });
  const margin = (place) => {
    const [best, next] = probe.predict(embeddings.row(place))[0];
    return best.probability - next.probability;
  };
  const open = Array.from({ length: 60 }, (_, place) => place).filter((p) => !known.includes(p));
  const least = Math.min(...open.map(margin));
  assert.ok(Math.abs(margin(uncertain.place) - least) < 1e-5);
  const told = probe.predict(embeddings.row(uncertain.place))[0].slice(0, 2);
  assert.deepEqual(
    uncertain.reason.labels,
    told.map(({ label }) => label),
  );

  const chance = () => pool.propose(labels, { rule: "random", count: 5, seed: 3 });
  assert.deepEqual(await chance(), await chance());
  assert.equal((await pool.propose(labels, { rule: "random", count: 1000 })).length, 57);
  assert.equal(await codeOf(() => pool.propose(labels, { rule: "uncertain" })), "TOO_FEW_EXAMPLES");
  assert.equal(await codeOf(() => pool.propose(["a"], { rule: "random" })), "DIM_MISMATCH");
  assert.equal(await codeOf(() => pool.propose(labels, { rule: "boldest" })), "SETTING");
  await pool.dispose();
});

test("labels spread to their like, and what was said stays", async () => {
  const { embeddings, truth } = directions();
  const pool = await LabelPool.create(embeddings, { device: "cpu" });
  const labels = Array(60).fill(null);
  for (const place of [3, 25, 41]) labels[place] = truth(place);
  labels[44] = "a";
  const { labels: spread, certainties } = await pool.spread(labels);
  assert.equal(spread[44], "a", "a person's word stays");
  const wrong = spread.filter((label, place) => place !== 44 && label !== truth(place));
  assert.ok(wrong.length <= 8, `${wrong.length} labels of 59 are wrong`);
  assert.equal(certainties[3], 1);
  assert.ok(certainties.every((certainty) => certainty >= 0 && certainty <= 1));
  assert.equal(await codeOf(() => pool.spread(Array(60).fill(null))), "TOO_FEW_EXAMPLES");
  await pool.dispose();
});

/** Pictures of two colours with noise, and labels of four of them. */
function coloured(count) {
  const pictures = Array.from({ length: count }, (_, number) => {
    const noise = numbers(3 * 32 * 32, number + 1);
    const data = Uint8Array.from(noise, (x, i) => (i % 3 === number % 2 ? 200 : 60) + 50 * x);
    return { data, width: 32, height: 32, channels: 3 };
  });
  const labels = pictures.map((_, number) => (number < 4 ? ["red", "green"][number % 2] : null));
  return { pictures, labels };
}

const few = {
  device: "cpu",
  epochs: 1,
  stepsPerEpoch: 6,
  set: {
    "encoder.width": 8,
    "semi.labelled_batch": 4,
    "semi.unlabelled_batch": 8,
    "semi.average": 0.5,
  },
};

test("a few labels teach from all pictures, and a resumed run is the same run", async () => {
  const { pictures, labels } = coloured(24);
  const run = await trainSemiSupervised(pictures, labels, few);
  assert.equal(run.plan.classes, 2);
  const measured = [];
  let state;
  for await (const step of run.steps()) {
    measured.push([step.loss, step.metrics.mask_rate]);
    if (step.step === 3) state = await run.state();
  }
  assert.equal(measured.length, 6);
  assert.ok(measured.at(-1)[0] < measured[0][0], `the loss falls: ${measured}`);
  const [[best]] = await run.classify(pictures[7], { topK: 1 });
  assert.ok(["red", "green"].includes(best.label) && best.probability >= 0.5);
  const bytes = await run.checkpoint();

  const again = await resumeSemiSupervised(state, pictures, labels, { device: "cpu" });
  const rest = [];
  for await (const step of again.steps()) rest.push([step.loss, step.metrics.mask_rate]);
  assert.deepEqual(rest, measured.slice(3));
  assert.deepEqual(await again.checkpoint(), bytes);

  const encoder = await loadEncoder(bytes, { device: "cpu" });
  assert.equal(encoder.info.stage, "semi_supervised");
  const [classified] = await encoder.classify(pictures[7]);
  assert.equal(classified[0].label, best.label);
  assert.ok(Math.abs(classified[0].probability - best.probability) < 1e-5);

  assert.equal(await codeOf(() => resumePretraining(state, pictures)), "CHECKPOINT_FORMAT");
  const others = labels.with(0, "green");
  assert.equal(await codeOf(() => resumeSemiSupervised(state, pictures, others)), "OTHER_RUN");
  await Promise.all([run.dispose(), again.dispose(), encoder.dispose()]);
});

test("it starts from a checkpoint's encoder", async () => {
  const { pictures, labels } = coloured(24);
  const from = await checkpoint(kith);
  const run = await trainSemiSupervised(pictures, labels, {
    ...few,
    from,
    set: { ...few.set, "encoder.width": 16 },
  });
  const before = await loadEncoder(from, { device: "cpu" });
  const [own, theirs] = [await run.embed(pictures), await before.embed(pictures)];
  assert.equal(own.dim, theirs.dim, "the checkpoint's width counts, not the recipe's");
  own.data.forEach((x, i) => assert.ok(Math.abs(x - theirs.data[i]) < 1e-5));
  await Promise.all([run.dispose(), before.dispose()]);
});

test("what cannot teach is refused", async () => {
  const { pictures, labels } = coloured(8);
  const start = (labels, more) => codeOf(() => trainSemiSupervised(pictures, labels, more));
  assert.equal(await start(Array(8).fill(null), few), "TOO_FEW_EXAMPLES");
  assert.equal(await start(["red", ...Array(7).fill(null)], few), "TOO_FEW_EXAMPLES");
  assert.equal(await start(labels.slice(1), few), "DIM_MISMATCH");
  assert.equal(await start(labels, { ...few, recipe: "none" }), "SETTING");
  assert.equal(await start(labels, { ...few, from: new Uint8Array(9) }), "CHECKPOINT_FORMAT");
});
