// Every public entry with values that it should never get: it fails with a KithError or not at all,
// and whatever it got, the engine goes on.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as kith from "../../dist/node.js";
import {
  bytesOf,
  checkpoint,
  codeOf,
  errorOf,
  furthest,
  numbers,
  picture,
  pictures,
  small,
} from "../made.mjs";

const detached = (make) => {
  const view = make();
  structuredClone(view, { transfer: [view.buffer] });
  return view;
};
const cyclic = {};
cyclic.self = cyclic;
const deep = JSON.parse("[".repeat(3000) + "]".repeat(3000));

/** Values that somebody passes by mistake or on purpose. */
const hostile = {
  null: null,
  undefined: undefined,
  NaN: NaN,
  "minus one": -1,
  "minus infinity": -Infinity,
  infinity: Infinity,
  "a half": 0.5,
  zero: 0,
  "2^32": 2 ** 32,
  "2^53": 2 ** 53,
  "1e300": 1e300,
  "a bigint": 7n,
  "an empty string": "",
  "a word": "seven",
  "half a character": "\ud800",
  true: true,
  "a symbol": Symbol("s"),
  "a function": () => 7,
  "a throwing function": () => {
    throw new Error("thrown by the caller");
  },
  "an object": {},
  "an object without a prototype": Object.create(null),
  "a cycle": cyclic,
  "a deep array": deep,
  "an empty array": [],
  "a sparse array": Array(3),
  "an array of null": [null],
  "an array of numbers": [1, 2, 3, 4, 5, 6, 7, 8],
  "a promise": Promise.resolve(7),
  "a date": new Date(NaN),
  "a map": new Map([[1, 2]]),
  "no numbers": new Float32Array(),
  "numbers that are none": new Float32Array(8).fill(NaN),
  "infinite numbers": new Float32Array(8).fill(Infinity),
  "double numbers": new Float64Array(8),
  "shared numbers": new Float32Array(new SharedArrayBuffer(32)),
  "numbers transferred away": detached(() => new Float32Array(8)),
  "bytes transferred away": detached(() => new Uint8Array(8)),
  "shared bytes": new Uint8Array(new SharedArrayBuffer(8)),
  "a buffer": new ArrayBuffer(8),
  "a Blob": new Blob(["seven"]),
  "a used response": new Response("seven", { status: 500 }),
  "an iterator that throws": {
    *[Symbol.iterator]() {
      throw new Error("thrown by the caller");
    },
  },
  "a stream that fails": {
    async *[Symbol.asyncIterator]() {
      throw new Error("thrown by the caller");
    },
  },
  "an iterator that is none": { [Symbol.iterator]: 7 },
};

let encoder, embeddings, index, probe, bank, run, good, first, state, indexFile;
const labels = Array.from({ length: 16 }, (_, place) => (place % 2 ? "odd" : "even"));
before(async () => {
  encoder = await kith.loadEncoder(await checkpoint(), { device: "cpu" });
  good = picture(3);
  first = (await encoder.embed(good)).data;
  embeddings = await encoder.embed(pictures(16));
  index = new kith.KnnIndex(encoder.info.dim);
  index.add(
    embeddings,
    labels.map((label) => ({ label })),
  );
  indexFile = await bytesOf(index.save());
  probe = await kith.trainLinearProbe(embeddings, labels, { epochs: 2 }).result;
  bank = await kith.Bank.create(embeddings, { encoder });
  run = await kith.pretrain(pictures(16), { ...small, labels });
  for await (const _ of run.steps(1));
  state = await run.state();
});
after(async () => {
  await run.dispose();
  await bank.dispose();
  await encoder.dispose();
});

/** Options with one of them replaced. */
const each = (names, call) =>
  Object.fromEntries(names.map((name) => [`{ ${name} }`, (value) => call({ [name]: value })]));
const under = (name, calls) =>
  Object.fromEntries(Object.entries(calls).map(([what, call]) => [`${name} ${what}`, call]));

/** One check for all that start an engine, which costs time: `recipes` is asked for all of them. */
const engine = ["device", "allowSoftware", "worker", "workerUrl", "wasmUrl", "fetch", "signal"];
const rows = () => encoder.embed(pictures(2), { layer: "projection" });
const one = async (work) => (await work).dispose?.();
const opened = async (value, more) =>
  one(kith.loadEncoder(await checkpointOnce(), { device: "cpu", ...more, ...value }));
let checkpointBytes;
const checkpointOnce = async () => (checkpointBytes ??= await run.checkpoint());
const all = pictures(16);
const started = (more) => one(kith.pretrain(all, { ...small, labels, ...more }));
const resumed = (more) => one(kith.resumePretraining(state, all, { labels, ...more }));
const pulled = async (...args) => {
  for await (const _ of run.steps(...args)) break;
};
const fit = (...args) => kith.trainLinearProbe(...args).result;
const few = (config) => fit(embeddings, labels, { epochs: 1, ...config });

/** Every public entry, with the value in every place that it takes. */
const entries = {
  policies: (x) => kith.policies(x),
  recipes: (x) => kith.recipes(x),
  ...under(
    "recipes",
    each(engine, (more) => kith.recipes({ device: "cpu", ...more })),
  ),
  probeDevice: (x) => kith.probeDevice(x),
  ...under("probeDevice", each(["device", "allowSoftware", "signal"], kith.probeDevice)),
  "checkpointCache.list": (x) => kith.checkpointCache.list(x),
  "checkpointCache.has": (x) => kith.checkpointCache.has(x),
  "checkpointCache.has name": (x) => kith.checkpointCache.has("https://example.invalid", x),
  "checkpointCache.delete": (x) => kith.checkpointCache.delete(x),
  "checkpointCache.delete name": (x) => kith.checkpointCache.delete("https://a.invalid", x),
  "new Embeddings": (x) => new kith.Embeddings(x, 4),
  "new Embeddings dim": (x) => new kith.Embeddings(numbers(8), x),
  "new Embeddings more": (x) => new kith.Embeddings(numbers(8), 4, x),
  "embeddings.row": (x) => embeddings.row(x),
  "embeddings.select": (x) => embeddings.select(x),
  "embeddings.select place": (x) => embeddings.select([0, x]),
  loadEncoder: (x) => one(kith.loadEncoder(x, { device: "cpu" })),
  "loadEncoder options": (x) => opened(x),
  ...under(
    "loadEncoder",
    each(["device", "fetch", "onProgress", "cache", "cacheName", "integrity", "warmup"], (more) =>
      opened(undefined, more),
    ),
  ),
  "encoder.embed": (x) => encoder.embed(x),
  "encoder.embed in a list": (x) => encoder.embed([good, x]),
  "encoder.embed options": (x) => encoder.embed(good, x),
  ...under(
    "encoder.embed",
    each(["layer", "normalize", "batchSize", "signal", "onProgress"], (more) =>
      encoder.embed(good, more),
    ),
  ),
  ...under(
    "encoder.embed a picture",
    each(["data", "width", "height", "channels"], (more) => encoder.embed({ ...good, ...more })),
  ),
  "encoder.classify": (x) => encoder.classify(x),
  "encoder.classify options": (x) => encoder.classify(good, x),
  "encoder.augment": (x) => encoder.augment(x),
  "encoder.augment options": (x) => encoder.augment(good, x),
  ...under(
    "encoder.augment",
    each(["views", "seed", "image", "preset", "ops", "signal"], (more) =>
      encoder.augment(good, more),
    ),
  ),
  "encoder.augment an op": (x) => encoder.augment(good, { ops: [x] }),
  "encoder.augment a setting": (x) =>
    encoder.augment(good, { ops: [{ op: "flip", probability: x }] }),
  "encoder.supportNeighbors": (x) => encoder.supportNeighbors(x),
  "encoder.supportNeighbors options": async (x) => encoder.supportNeighbors(await rows(), x),
  "encoder.supportNeighbors k": async (x) => encoder.supportNeighbors(await rows(), { k: x }),
  "encoder.onDeviceLost": (x) => encoder.onDeviceLost(x)(),
  "new KnnIndex": (x) => new kith.KnnIndex(x),
  "new KnnIndex options": (x) => new kith.KnnIndex(4, x),
  "new KnnIndex metric": (x) => new kith.KnnIndex(4, { metric: x }),
  "index.add": (x) => new kith.KnnIndex(4).add(x),
  "index.add items": (x) => new kith.KnnIndex(4).add(numbers(4), x),
  "index.add an item": (x) => new kith.KnnIndex(4).add(numbers(4), [x]),
  "index.add an id": (x) => new kith.KnnIndex(4).add(numbers(4), [{ id: x }]),
  "index.add a label": (x) => new kith.KnnIndex(4).add(numbers(4), [{ label: x }]),
  "index.add options": (x) => new kith.KnnIndex(4).add(numbers(4), [], x),
  "index.remove": (x) => new kith.KnnIndex(4).remove(x),
  "index.query": (x) => index.query(x),
  "index.query options": (x) => index.query(embeddings, x),
  ...under(
    "index.query",
    each(["k", "exclude"], (more) => index.query(embeddings, more)),
  ),
  "index.classify": (x) => index.classify(x),
  "index.classify options": (x) => index.classify(embeddings, x),
  ...under(
    "index.classify",
    each(["k", "temperature"], (more) => index.classify(embeddings, more)),
  ),
  "KnnIndex.load": (x) => kith.KnnIndex.load(x),
  "Bank.create": (x) => one(kith.Bank.create(x)),
  "Bank.create options": (x) => one(kith.Bank.create(embeddings, x)),
  "Bank.create encoder": (x) => one(kith.Bank.create(embeddings, { encoder: x })),
  "bank.nearest": (x) => bank.nearest(x),
  "bank.nearest options": (x) => bank.nearest(embeddings, x),
  "bank.nearest k": (x) => bank.nearest(embeddings, { k: x }),
  trainLinearProbe: (x) => fit(x, labels),
  "trainLinearProbe labels": (x) => fit(embeddings, x),
  "trainLinearProbe a label": (x) => fit(embeddings, labels.with(3, x), { epochs: 1 }),
  "trainLinearProbe config": (x) =>
    typeof x === "object" || typeof x === "function" ? few(x) : fit(embeddings, labels, x),
  ...under(
    "trainLinearProbe",
    each(
      [
        "learningRate",
        "lastLearningRate",
        "weightDecay",
        "validationSplit",
        "classWeights",
        "seed",
      ],
      few,
    ),
  ),
  ...under("trainLinearProbe", each(["device", "signal", "onProgress"], few)),
  "new LinearProbe": (x) => new kith.LinearProbe(x, probe, probe.report),
  "new LinearProbe weights": (x) => new kith.LinearProbe(labels, x, probe.report),
  "new LinearProbe weight": (x) =>
    new kith.LinearProbe(["a", "b"], { weight: x, bias: probe.bias }, probe.report),
  "new LinearProbe bias": (x) =>
    new kith.LinearProbe(["a", "b"], { weight: probe.weight, bias: x }, probe.report),
  "new LinearProbe report": (x) => new kith.LinearProbe(["a", "b"], probe, x).save(),
  "new LinearProbe fingerprint": (x) =>
    new kith.LinearProbe(["a", "b"], probe, probe.report, x).save(),
  "probe.predict": (x) => probe.predict(x),
  "probe.predict options": (x) => probe.predict(embeddings, x),
  "probe.predict topK": (x) => probe.predict(embeddings, { topK: x }),
  "probe.predictClasses": (x) => probe.predictClasses(x),
  "probe.save": (x) => probe.save(x),
  "LinearProbe.load": (x) => kith.LinearProbe.load(x),
  "LinearProbe.load options": (x) => kith.LinearProbe.load(probe.save(), x),
  ...under(
    "LinearProbe.load",
    each(["encoder", "force"], (more) => kith.LinearProbe.load(probe.save(), more)),
  ),
  saveProject: (x) => kith.saveProject(x),
  ...under("saveProject", each(["index", "probe", "pictures", "settings"], kith.saveProject)),
  "saveProject a picture": (x) => kith.saveProject({ pictures: { one: x } }),
  loadProject: (x) => kith.loadProject(x),
  project: (x) => kith.project(x),
  "project options": (x) => kith.project(embeddings, x),
  ...under(
    "project",
    each(["method", "dims", "seed", "neighbors", "minDist", "signal", "onProgress"], (more) =>
      kith.project(embeddings, more),
    ),
  ),
  pretrain: (x) => one(kith.pretrain(x, small)),
  "pretrain config": (x) => one(kith.pretrain([good], x)),
  ...under(
    "pretrain",
    each(
      [
        "device",
        "signal",
        "recipe",
        "set",
        "imageSize",
        "seed",
        "stepsPerEpoch",
        "epochs",
        "labels",
        "snapshotEvery",
        "dataset",
      ],
      started,
    ),
  ),
  "pretrain a label": (x) => started({ labels: labels.with(3, x) }),
  "pretrain a setting": (x) => started({ set: { ...small.set, "pretraining.epochs": x } }),
  resumePretraining: (x) => one(kith.resumePretraining(x, all)),
  "resumePretraining pictures": (x) => one(kith.resumePretraining(state, x, { labels })),
  "resumePretraining config": (x) => one(kith.resumePretraining(state, all, x)),
  ...under("resumePretraining", each(["device", "labels"], resumed)),
  "run.steps": (x) => pulled(x),
  "run.steps options": (x) => pulled(0, x),
  "run.embed": (x) => run.embed(x),
  "run.embed options": (x) => run.embed(good, x),
  "run.checkpoint": (x) => run.checkpoint(x),
  "run.checkpoint half": (x) => run.checkpoint({ half: x }),
  "run.onDeviceLost": (x) => run.onDeviceLost(x)(),
};

/** What some entries must say, where "a KithError or not at all" says too little. */
const FAILS = ["null", "NaN", "minus one", "a symbol"];
const SETTING = [
  "recipes { device }",
  "encoder.embed { batchSize }",
  "encoder.embed { layer }",
  "encoder.augment { views }",
  "encoder.augment { ops }",
  "encoder.supportNeighbors k",
  "new KnnIndex",
  "index.add an id",
  "index.query { k }",
  "bank.nearest k",
  "trainLinearProbe a label",
  "probe.predict topK",
  "project { seed }",
  "pretrain { imageSize }",
  "pretrain { epochs }",
  "pretrain { seed }",
  "run.steps",
];

for (const [name, entry] of Object.entries(entries)) {
  test(`${name} fails with a KithError or not at all`, async () => {
    const generation = encoder.lease.generation;
    for (const [what, value] of Object.entries(hostile)) {
      const code = await codeOf(() => entry(value));
      const sound = /^(no error|[A-Z0-9_]+$)/.test(code) && code !== "WASM_PANIC";
      assert.ok(sound, `${name} of ${what}: ${code}`);
      if (SETTING.includes(name) && FAILS.includes(what)) {
        assert.equal(code, "SETTING", `${name} of ${what}`);
      }
    }
    assert.equal(encoder.lease.generation, generation, "the engine did not have to start again");
    assert.equal(furthest((await encoder.embed(good)).data, first), 0);
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
  const fitted = fit(rows, labels, { epochs: 2, device: "cpu" });
  structuredClone(rows.data, { transfer: [rows.data.buffer] });
  assert.deepEqual((await fitted).report, probe.report);
});

test("an index file that lost its labels is damaged, one that is whole opens", async () => {
  assert.equal((await kith.KnnIndex.load(indexFile)).size, 16);
  const text = new TextDecoder("latin1").decode(indexFile);
  const shorter = Buffer.from(text.replace('\\"even\\",', " ".repeat(9)), "latin1");
  assert.equal(await codeOf(() => kith.KnnIndex.load(shorter)), "FILE_FORMAT");
});
