// Rooms of the package that need no browser: laws, and oracles written another way.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Embeddings,
  KnnIndex,
  LinearProbe,
  loadProject,
  project,
  saveProject,
  trainLinearProbe,
} from "../../../web/dist/node.js";

/** Reproducible numbers in (-1, 1). */
function numbers(count, seed = 1) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const codeOf = async (work) => {
  try {
    await work();
    return "no error";
  } catch (error) {
    return error.code ?? `no KithError but ${error}`;
  }
};

const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

/** Three clouds that a line tells apart, 20 rows each. */
function clouds() {
  const rows = numbers(60 * 4, 3).map(
    (x, i) => 0.3 * x + (i % 4 === Math.floor(i / 4) % 3 ? 3 : 0),
  );
  const labels = Array.from({ length: 60 }, (_, i) => ["a", "b", "c"][i % 3]);
  return { embeddings: new Embeddings(rows, 4, { encoderFingerprint: "e" }), labels };
}

for (const metric of ["cosine", "l2"]) {
  test(`neighbours by ${metric} are those of sorting everything`, () => {
    const [count, dim, k] = [200, 7, 9];
    const rows = numbers(count * dim);
    rows.copyWithin(20 * dim, 10 * dim, 11 * dim); // Row 20 ties with row 10.
    const index = new KnnIndex(dim, { metric });
    index.add(rows);
    const row = (i) => [...rows.subarray(i * dim, (i + 1) * dim)];
    const inner = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    const score = (a, b) =>
      metric === "cosine"
        ? inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b))
        : -Math.hypot(...a.map((x, i) => x - b[i]));
    for (const query of [0, 10, 20, 137]) {
      const exclude = ["3", "150"];
      const expected = Array.from({ length: count }, (_, i) => i)
        .filter((i) => !exclude.includes(String(i)))
        .map((i) => [i, score(row(query), row(i))])
        .sort(([i, a], [j, b]) => (Math.abs(a - b) < 1e-6 ? i - j : b - a))
        .slice(0, k)
        .map(([i]) => i);
      const found = index.query(new Float32Array(row(query)), { k, exclude })[0];
      assert.deepEqual(
        found.map((neighbor) => neighbor.index),
        expected,
      );
    }
  });
}

test("a removed picture is not found again, and ids stay unique", async () => {
  const index = new KnnIndex(3);
  index.add(numbers(9), [{ id: "x" }, { id: "y" }, {}]);
  assert.equal(index.remove("x"), true);
  assert.equal(index.remove("x"), false);
  assert.equal(index.size, 2);
  assert.ok(index.query(numbers(3), { k: 5 })[0].every(({ id }) => id !== "x"));
  assert.equal(await codeOf(() => index.add(numbers(3), [{ id: "y" }])), "SETTING");
  assert.equal(index.size, 2, "nothing is added when something is wrong");
});

test("labelled neighbours vote by nearness", () => {
  const index = new KnnIndex(2);
  index.add(Float32Array.of(1, 0, 0.9, 0.1, 0, 1, 0.1, 1, -1, 0), [
    { label: "right" },
    { label: "right" },
    { label: "up" },
    { label: "up" },
    {},
  ]);
  const [vote] = index.classify(Float32Array.of(1, 0.05), { k: 4 });
  assert.equal(vote.label, "right");
  assert.ok(vote.confidences.right > 0.99);
  assert.ok(Math.abs(vote.confidences.right + vote.confidences.up - 1) < 1e-12);
});

test("a probe tells clouds apart, and says which strengths it tried", async () => {
  const { embeddings, labels } = clouds();
  const run = trainLinearProbe(embeddings, labels, { validationSplit: 0.2, seed: 4 });
  const events = [];
  for await (const event of run) events.push(event);
  const probe = await run.result;
  const tried = events.slice(0, -1);
  assert.ok(tried.length > 3);
  tried.forEach(({ strength }, place) =>
    assert.ok(Math.abs(strength / 10 ** (-place / 2) - 1) < 1e-9),
  );
  const best = tried.reduce((a, b) => (b.loss < a.loss ? b : a));
  assert.equal(probe.report.strength, best.strength);
  assert.deepEqual(
    probe.report.tried,
    tried.map(({ strength, loss, accuracy }) => ({ strength, loss, accuracy })),
  );
  assert.equal(probe.report.accuracy, 1);
  assert.equal(probe.report.measuredOn, "validation");
  assert.equal(probe.report.validation.length, 12, "a fifth of each class is kept aside");
  const perClass = ["a", "b", "c"].map(
    (label) => probe.report.validation.filter((place) => labels[place] === label).length,
  );
  assert.deepEqual(perClass, [4, 4, 4]);
  assert.equal(probe.predict(embeddings.row(1))[0][0].label, "b");
  const again = await trainLinearProbe(embeddings, labels, { validationSplit: 0.2, seed: 4 })
    .result;
  assert.deepEqual(again.weight, probe.weight);
});

test("without pictures kept aside, cross-validation measures", async () => {
  const { embeddings, labels } = clouds();
  const { report } = await trainLinearProbe(embeddings, labels).result;
  assert.equal(report.measuredOn, "cross-validation");
  assert.equal(report.validation.length, 0);
  assert.equal(
    report.perClass.reduce((sum, { count }) => sum + count, 0),
    labels.length,
  );
  // Labels by chance are told about as well as by guessing, not as well as they can be learnt by heart.
  const chance = labels.map((_, place) => "ab"[(place * 7919 + (place >> 2)) % 2]);
  const guessed = (await trainLinearProbe(embeddings, chance).result).report;
  assert.ok(guessed.accuracy < 0.75, `${guessed.accuracy}`);
  const one = await trainLinearProbe(embeddings.select([0, 1]), ["a", "b"]).result;
  assert.equal(one.report.measuredOn, "training");
  assert.deepEqual(one.report.tried, []);
});

test("a run can be stopped, broken off or never looked at", async () => {
  const { embeddings, labels } = clouds();
  const stopped = trainLinearProbe(embeddings, labels);
  for await (const event of stopped) if (event.type === "strength") stopped.stop();
  assert.ok((await stopped.result).report.tried.length < 4);
  const broken = trainLinearProbe(embeddings, labels);
  for await (const event of broken) if (event.type === "strength") break;
  assert.equal((await broken.result).labels.length, 3);
  const control = new AbortController();
  const aborted = trainLinearProbe(embeddings, labels, { signal: control.signal });
  for await (const event of aborted) {
    if (event.type === "strength") control.abort();
    if (control.signal.aborted) break;
  }
  assert.equal(await codeOf(() => aborted.result), "ABORTED");
});

test("what is saved comes back byte for byte", async () => {
  const { embeddings, labels } = clouds();
  const index = new KnnIndex(4);
  index.add(
    embeddings,
    labels.map((label) => ({ label })),
  );
  const probe = await trainLinearProbe(embeddings, labels, { strength: 0.1 }).result;
  const saved = await bytesOf(index.save());
  assert.deepEqual(await bytesOf((await KnnIndex.load(saved)).save()), saved);
  for (const format of ["safetensors", "json"]) {
    const bytes = await bytesOf(probe.save(format));
    const back = await LinearProbe.load(bytes);
    assert.deepEqual(await bytesOf(back.save(format)), bytes);
    assert.deepEqual(back.predict(embeddings), probe.predict(embeddings));
  }
  const whole = await saveProject({ index, probe, pictures: { __proto__x: new Blob(["1"]) } });
  const opened = await loadProject(whole);
  assert.deepEqual(opened.index.query(embeddings), index.query(embeddings));
  assert.equal(await opened.pictures.__proto__x.text(), "1");
});

test("every truncation is a coded error, and a wrong kind names the right opener", async () => {
  const { embeddings, labels } = clouds();
  const index = new KnnIndex(4);
  index.add(embeddings.select([0, 1, 2]));
  const probe = await trainLinearProbe(embeddings, labels, { strength: 0.1 }).result;
  const saved = await bytesOf(index.save());
  for (let length = 0; length < saved.length; length += 1) {
    assert.equal(await codeOf(() => KnnIndex.load(saved.slice(0, length))), "FILE_FORMAT");
  }
  for (const format of ["safetensors", "json"]) {
    await assert.rejects(KnnIndex.load(probe.save(format)), ({ code, hint }) => {
      return code === "FILE_FORMAT" && hint.includes("LinearProbe.load");
    });
  }
});

test("settings are checked before anything is done", async () => {
  const { embeddings, labels } = clouds();
  const index = new KnnIndex(4);
  const codes = await Promise.all(
    [
      () => new KnnIndex(0),
      () => new KnnIndex(4, { metric: "chess" }),
      () => index.query(embeddings, { k: 0 }),
      () => index.query(new Float32Array(4).fill(NaN)),
      () => trainLinearProbe(embeddings, labels, { strength: 0 }).result,
      () => trainLinearProbe(embeddings, labels, { validationSplit: 1 }).result,
      () => project(embeddings, { method: "tea leaves" }),
    ].map(codeOf),
  );
  assert.deepEqual(new Set(codes), new Set(["SETTING"]));
});

test("principal components are orthogonal and as spread as the covariance allows", async () => {
  const [count, dim] = [400, 20];
  const rows = numbers(count * dim, 9);
  const found = await project(new Embeddings(rows, dim), { dims: 3 });
  const axis = (k) => Array.from({ length: count }, (_, i) => found[3 * i + k]);
  const inner = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const spreads = [0, 1, 2].map((k) => inner(axis(k), axis(k)));
  assert.ok(spreads[0] >= spreads[1] && spreads[1] >= spreads[2]);
  for (const [a, b] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ]) {
    assert.ok(Math.abs(inner(axis(a), axis(b))) < 1e-3 * spreads[2]);
  }
  // Scores u of an eigenvector satisfy X Xᵀ u = λ u with λ = |u|².
  const means = Array.from(
    { length: dim },
    (_, j) =>
      Array.from({ length: count }, (_, i) => rows[i * dim + j]).reduce((a, b) => a + b) / count,
  );
  const centred = Array.from({ length: count }, (_, i) =>
    means.map((mean, j) => rows[i * dim + j] - mean),
  );
  for (const k of [0, 1, 2]) {
    const u = axis(k);
    const back = means.map((_, j) => centred.reduce((sum, row, i) => sum + row[j] * u[i], 0));
    const off = centred.map((row, i) => inner(row, back) - spreads[k] * u[i]);
    assert.ok(Math.hypot(...off) < 1e-4 * spreads[k] * Math.hypot(...u), `component ${k}`);
  }
});
