// Every public entry of the package, and values that it should never get: in Node and in a browser.
import {
  checkpoint,
  codeOf,
  furthest,
  picture,
  numbers,
  pictures,
  small,
  withHeader,
} from "./made.mjs";

const detached = (make) => {
  const view = make();
  structuredClone(view, { transfer: [view.buffer] });
  return view;
};
/** Memory that several threads see; pages get it in this way alone. */
const shared = () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer;
export const cyclic = {};
cyclic.self = cyclic;
const deep = JSON.parse("[".repeat(3000) + "]".repeat(3000));

/** Values that somebody passes by mistake or on purpose. */
export const hostile = {
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
  "numbers transferred away": detached(() => new Float32Array(8)),
  "bytes transferred away": detached(() => new Uint8Array(8)),
  "shared numbers": new Float32Array(shared(), 0, 8),
  "shared bytes": new Uint8Array(shared(), 3, 8),
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

/** Everything that a caller of the package may hold. */
export async function held(kith) {
  const labels = Array.from({ length: 16 }, (_, place) => (place % 2 ? "odd" : "even"));
  const file = await checkpoint(kith);
  // Without its note, a checkpoint is a file of anybody's.
  const resnet = '{kind="resnet", depth=18, width=2, stem="imagenet"}';
  const noted = await checkpoint(kith, resnet);
  const foreign = withHeader(noted, (header) => header.replace('"kith"', '"kiln"'));
  const encoder = await kith.loadEncoder(file, { device: "cpu" });
  const good = picture(3);
  const first = (await encoder.embed(good)).data;
  const embeddings = await encoder.embed(pictures(16));
  const index = new kith.KnnIndex(encoder.info.dim);
  index.add(
    embeddings,
    labels.map((label) => ({ label })),
  );
  const probe = await kith.trainLinearProbe(embeddings, labels, { strength: 0.1 }).result;
  const bank = await kith.Bank.create(embeddings, { encoder });
  const run = await kith.pretrain(pictures(16), { ...small, labels });
  for await (const _ of run.steps(1));
  const state = await run.state();
  return {
    kith,
    labels,
    file,
    foreign,
    encoder,
    good,
    first,
    embeddings,
    index,
    probe,
    bank,
    run,
    state,
  };
}

/** Options with one of them replaced. */
const each = (names, call) =>
  Object.fromEntries(names.map((name) => [`{ ${name} }`, (value) => call({ [name]: value })]));
const under = (name, calls) =>
  Object.fromEntries(Object.entries(calls).map(([what, call]) => [`${name} ${what}`, call]));

/** One check for all that start an engine, which costs time: `recipes` is asked for all of them. */
const engine = ["device", "allowSoftware", "worker", "workerUrl", "wasmUrl", "fetch", "signal"];

/** Every public entry, with the value in every place that it takes. */
export function entriesOf(own) {
  const { kith, labels, file, foreign, encoder, good, embeddings, index, probe, bank, run, state } =
    own;
  const rows = () => encoder.embed(pictures(2), { layer: "projection" });
  const one = async (work) => (await work).dispose?.();
  const opened = async (value, more) =>
    one(kith.loadEncoder(file, { device: "cpu", ...more, ...value }));
  const all = pictures(16);
  const started = (more) => one(kith.pretrain(all, { ...small, labels, ...more }));
  const resumed = (more) => one(kith.resumePretraining(state, all, { labels, ...more }));
  const pulled = async (...args) => {
    for await (const _ of run.steps(...args)) break;
  };
  const fit = (...args) => kith.trainLinearProbe(...args).result;
  const few = (config) => fit(embeddings, labels, { strength: 0.1, ...config });
  return {
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
    measure: (x) => kith.measure(x),
    "measure options": (x) => kith.measure(embeddings, x),
    kMeans: (x) => kith.kMeans(x, 2),
    "kMeans clusters": (x) => kith.kMeans(embeddings, x),
    "kMeans options": (x) => kith.kMeans(embeddings, 2, x),
    "kMeans { seed }": (seed) => kith.kMeans(embeddings, 2, { seed }),
    loadEncoder: (x) => one(kith.loadEncoder(x, { device: "cpu" })),
    "loadEncoder options": (x) => opened(x),
    ...under(
      "loadEncoder",
      each(["device", "fetch", "onProgress", "cache", "cacheName", "integrity", "warmup"], (more) =>
        opened(undefined, more),
      ),
    ),
    "loadEncoder { import }": (value) => opened({ import: value }),
    ...under(
      "loadEncoder import",
      each(["arch", "prefix", "heads", "pixels", "side", "resize", "filter"], (told) =>
        one(kith.loadEncoder(foreign, { device: "cpu", import: told })),
      ),
    ),
    ...under(
      "loadEncoder import",
      each(["set", "classes", "licence", "source", "config", "preprocessorConfig"], (told) =>
        one(kith.loadEncoder(foreign, { device: "cpu", import: told })),
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
    "trainLinearProbe a label": (x) => fit(embeddings, labels.with(3, x), { strength: 0.1 }),
    "trainLinearProbe config": (x) =>
      typeof x === "object" || typeof x === "function" ? few(x) : fit(embeddings, labels, x),
    ...under(
      "trainLinearProbe",
      each(["strength", "validationSplit", "classWeights", "seed"], few),
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
          "from",
          "import",
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
    "run.toFile": () => run.toFile(),
    readRunFile: async (x) => kith.readRunFile(x),
    "run.onDeviceLost": (x) => run.onDeviceLost(x)(),
  };
}

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

/** What an entry does wrong with all of these values; nothing, if all is well. */
export async function faultsOf(name, entry, { encoder, good, first }) {
  const faults = [];
  const generation = encoder.engine.generation;
  for (const [what, value] of Object.entries(hostile)) {
    const code = await codeOf(() => entry(value));
    const sound = /^(no error|[A-Z0-9_]+$)/.test(code) && code !== "WASM_PANIC";
    const refused = !SETTING.includes(name) || !FAILS.includes(what) || code === "SETTING";
    if (!sound || !refused) faults.push(`${what}: ${code}`);
  }
  if (encoder.engine.generation !== generation) faults.push("the engine had to start again");
  if (furthest((await encoder.embed(good)).data, first) > 0) faults.push("numbers changed");
  return faults;
}
