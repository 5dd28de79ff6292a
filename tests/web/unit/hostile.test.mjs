// Every public entry with values that it should never get: it fails with a KithError or not at all,
// and whatever it got, the engine goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as kith from "../../../web/dist/node.js";
import { cyclic, entriesOf, faultsOf, held } from "../hostile.mjs";
import { bytesOf, codeOf, errorOf, furthest, numbers, pictures, small } from "../made.mjs";

let own, encoder, embeddings, index, probe, bank, good, first, labels;
before(async () => {
  own = await held(kith);
  ({ encoder, embeddings, index, probe, bank, good, first, labels } = own);
});
after(async () => {
  for (const one of [own.run, bank, encoder]) await one.dispose();
});
const fit = (...args) => kith.trainLinearProbe(...args).result;

// Names alone are needed to name the tests: what they work on is made before the first.
for (const name of Object.keys(entriesOf({ kith }))) {
  test(`${name} fails with a KithError or not at all`, async () => {
    assert.deepEqual(await faultsOf(name, entriesOf(own)[name], own), []);
  });
}

test("what is no picture is named by its place, and nothing is cut to bytes", async () => {
  const unit = { ...good, data: Float32Array.from(good.data, (x) => x / 255) };
  const wide = { ...good, data: Uint16Array.from(good.data, (x) => 256 * x) };
  const grey = { ...good, data: good.data.slice(0, 1024), channels: 1 };
  const thin = { data: new Uint8Array(15), width: 2.5, height: 2, channels: 3 };
  const none = { data: new Uint8Array(), width: 0, height: 0, channels: 3 };
  const plain = { ...good, data: [...good.data] };
  const huge = { ...good, width: 2 ** 20, height: 2 ** 20 };
  const wrong = [unit, wide, grey, thin, none, plain, huge, null, undefined, 7, "a", new Blob()];
  for (const one of wrong) {
    const error = await errorOf(() => encoder.embed([good, one]));
    assert.match(`${error.code} ${error.message}`, /^IMAGE_DECODE picture 1/);
    assert.match((await errorOf(() => encoder.augment(one))).message, /^picture 0/);
  }
  assert.equal((await encoder.embed([])).count, 0, "no picture gives no row");
});

test("what a picture carries besides is not sent along", async () => {
  const laden = { ...good, close: () => {}, owner: cyclic };
  assert.equal(furthest((await encoder.embed(laden)).data, first), 0);
});

test("numbers that are none are refused wherever rows are taken", async () => {
  const rows = new kith.Embeddings(new Float32Array(3 * embeddings.dim).fill(NaN), embeddings.dim);
  const projections = new Float32Array(encoder.info.projectionDim).fill(NaN);
  const takers = {
    add: () => new kith.KnnIndex(rows.dim).add(rows),
    query: () => index.query(rows),
    classify: () => index.classify(rows),
    predict: () => probe.predict(rows),
    predictClasses: () => probe.predictClasses(rows),
    bank: () => kith.Bank.create(rows),
    nearest: () => bank.nearest(rows),
    probe: () => fit(rows, ["a", "b", "c"]),
    project: () => kith.project(rows),
    support: () => encoder.supportNeighbors(projections),
  };
  for (const [what, take] of Object.entries(takers)) {
    assert.equal(await codeOf(take), "SETTING", what);
  }
});

test("rows that were transferred away are no rows, wherever they are taken", async () => {
  const rows = new kith.Embeddings(embeddings.data.slice(), embeddings.dim);
  structuredClone(rows.data, { transfer: [rows.data.buffer] });
  const takers = {
    add: () => new kith.KnnIndex(rows.dim).add(rows),
    query: () => index.query(rows.data),
    predict: () => probe.predict(rows),
    bank: () => kith.Bank.create(rows),
    probe: () => fit(rows, labels),
    project: () => kith.project(rows),
    row: () => rows.row(0),
    normalize: () => rows.normalize(),
  };
  for (const [what, take] of Object.entries(takers)) {
    assert.equal(await codeOf(take), "SETTING", what);
  }
});

test("labels that are no strings are refused before anything is trained", async () => {
  const wrong = {
    numbers: labels.map((_, i) => i % 2),
    "class -1": labels.map((_, i) => (i === 3 ? -1 : "a")),
    undefined: labels.map((label, i) => (i % 4 ? label : undefined)),
    booleans: labels.map((_, i) => i % 2 === 0),
    holes: Object.assign(Array(16), { 3: "odd" }),
    "a Uint8Array": new Uint8Array(16),
    "a string": "odd",
    "half characters": labels.map((label) => `${label}\udfff`),
  };
  let decoded = 0;
  const watched = (function* () {
    for (const one of pictures(16)) ((decoded += 1), yield one);
  })();
  for (const [what, labels] of Object.entries(wrong)) {
    const { code, message } = await errorOf(() => kith.pretrain(watched, { ...small, labels }));
    assert.equal(code, "SETTING", what);
    assert.match(message, /label/);
    assert.equal(await codeOf(() => fit(embeddings, labels)), "SETTING", what);
    const items = Array.from(labels, (label) => ({ label }));
    const taken = codeOf(() => new kith.KnnIndex(embeddings.dim).add(embeddings, items));
    if (what !== "a string" && what !== "undefined" && what !== "holes") {
      assert.equal(await taken, "SETTING", what);
    }
  }
  assert.equal(decoded, 0, "labels are read before pictures");
  assert.equal(await codeOf(() => fit(embeddings, labels.with(0, null))), "SETTING");
  const some = await kith.pretrain(pictures(16), { ...small, labels: labels.with(0, null) });
  assert.deepEqual(some.classNames, ["even", "odd"]);
  await some.dispose();
});

test("rows of an index are numbered around the ids that are given", () => {
  const index = new kith.KnnIndex(2);
  index.add(numbers(8), [{}, { id: "0" }, null, { id: "2", label: null }]);
  const ids = index.query(numbers(2), { k: 4 })[0].map(({ id }) => id);
  assert.deepEqual(ids.sort(), ["0", "1", "2", "3"]);
  assert.deepEqual(index.labels, []);
});

test("what happens to rows while a probe is fitted does not change its report", async () => {
  const rows = new kith.Embeddings(embeddings.data.slice(), embeddings.dim);
  const fitted = fit(rows, labels, { strength: 0.1, device: "cpu" });
  structuredClone(rows.data, { transfer: [rows.data.buffer] });
  assert.deepEqual((await fitted).report, probe.report);
});

test("an index file that lost its labels is damaged, one that is whole opens", async () => {
  const indexFile = await bytesOf(index.save());
  assert.equal((await kith.KnnIndex.load(indexFile)).size, 16);
  const text = new TextDecoder("latin1").decode(indexFile);
  const shorter = Buffer.from(text.replace('\\"even\\",', " ".repeat(9)), "latin1");
  assert.equal(await codeOf(() => kith.KnnIndex.load(shorter)), "FILE_FORMAT");
});
