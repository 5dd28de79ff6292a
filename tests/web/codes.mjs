// What brings about each error of the package, the same in Node and in a tab. `made` makes what the
// ways need.
import { checkpoint, numbers, picture, pictures, small, withHeader } from "./made.mjs";

const labels = Array.from({ length: 16 }, (_, place) => (place % 2 ? "odd" : "even"));

export async function made(kith) {
  const file = await checkpoint(kith);
  const encoder = await kith.loadEncoder(file, { device: "cpu" });
  const embeddings = await encoder.embed(pictures(16));
  const run = await kith.pretrain(pictures(16), { ...small, labels, dataset: "noise" });
  for await (const _ of run.steps(1));
  const index = new kith.KnnIndex(embeddings.dim);
  index.add(embeddings);
  /** Opens a file, and lets it go. */
  const open = async (source, options) =>
    (await kith.loadEncoder(source, { device: "cpu", ...options })).dispose();
  const resumed = (state, own = labels) =>
    kith.resumePretraining(state, pictures(16), { device: "cpu", labels: own });
  const started = (config) => kith.pretrain(pictures(16), { ...small, ...config });
  const [state, record] = [await run.state(), await run.record()];
  return { kith, file, encoder, embeddings, run, index, state, record, open, resumed, started };
}

/** Ends a run, whose lock on an engine would stay. */
const over = async (run, work) => {
  try {
    return await work(run);
  } finally {
    await run.dispose();
  }
};
const steps = async (run, n) => {
  for await (const _ of run.steps(n));
};

/** A file with a piece of its header replaced. */
const said = (bytes, from, to) =>
  withHeader(bytes, (header) => {
    if (!header.includes(from)) throw new Error(`${from} is not in ${header}`);
    return header.replace(from, to);
  });

/** A file with the first number of a tensor replaced. */
function numbered(bytes, tensor, number) {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(copy.subarray(8, start)));
  view.setFloat32(start + header[tensor].data_offsets[0], number, true);
  return copy;
}

/** An encoder of anybody's: a checkpoint without its note. */
const foreign = async (kith, encoder) => said(await checkpoint(kith, encoder), '"kith"', '"kiln"');
const vit = '{kind="vit", patch=8, size={dim=24, depth=1, heads=3}}';
const faster = { ...small.set, "pretraining.optimizer": "{kind='sgd', learning_rate=1e38}" };
const BIAS = "encoder.convs.0.bias";

/** Code, the core's code below it where WebAssembly found the error, and what brings it about. */
export const ways = [
  ["WASM_FETCH", , (own) => own.open(own.file, { wasmUrl: new URL("nowhere/", import.meta.url) })],
  ["WASM_COMPILE", , (own) => own.open(own.file, { wasmUrl: { cpu: import.meta.url } })],
  ["CHECKPOINT_HTTP", , (own) => own.open(new URL("nowhere", import.meta.url))],
  ["CHECKPOINT_FORMAT", , (own) => own.open(7)],
  ["CHECKPOINT_FORMAT", "NOT_SAFETENSORS", (own) => own.open(own.file.slice(0, 999))],
  ["CHECKPOINT_FORMAT", "METADATA", (own) => own.open(said(own.file, '{\\"format', '[\\"format'))],
  ["CHECKPOINT_FORMAT", "NOT_KITH", (own) => own.resumed(said(own.state, '"kith"', '"kiln"'))],
  [
    "CHECKPOINT_FORMAT",
    "MISSING_TENSOR",
    (own) => own.open(said(own.file, `"${BIAS}"`, `"${BIAS}es"`)),
  ],
  [
    "CHECKPOINT_FORMAT",
    "TENSOR_SHAPE",
    (own) => own.open(said(own.file, '\\"width\\":8', '\\"width\\":9')),
  ],
  ["CHECKPOINT_FORMAT", "TENSOR_TYPE", (own) => own.open(said(own.file, '"F32"', '"I32"'))],
  ["CHECKPOINT_FORMAT", "NOT_FINITE", (own) => own.open(numbered(own.file, BIAS, NaN))],
  [
    "CHECKPOINT_ARCH",
    "VERSION",
    (own) => own.open(said(own.file, '\\"format\\":1', '\\"format\\":9')),
  ],
  [
    "CHECKPOINT_ARCH",
    "ARCHITECTURE",
    (own) => own.open(said(own.file, '\\"conv4\\"', '\\"conv5\\"')),
  ],
  ["NO_ENCODER", "NO_ENCODER", async (own) => own.open(await foreign(own.kith))],
  ["UNTOLD", "UNTOLD", async (own) => own.open(await foreign(own.kith, vit))],
  ["INTEGRITY", , (own) => own.open(own.file, { integrity: "sha256-none" })],
  ["IMAGE_DECODE", , (own) => own.encoder.embed({ ...picture(1), width: 31 })],
  ["OTHER_RUN", , (own) => own.resumed(own.state, labels.toReversed())],
  [
    "OTHER_RUN",
    "OTHER_IMAGES",
    (own) => own.kith.replay(own.record, pictures(16).reverse(), { device: "cpu", labels }),
  ],
  ["RECORD", , (own) => own.kith.decodeRecord("%")],
  ["RECORD", "RECORD", (own) => own.kith.readRecord("{}")],
  ["DIM_MISMATCH", , (own) => own.index.query(numbers(3))],
  [
    "ENCODER_MISMATCH",
    ,
    ({ kith, embeddings, index }) => {
      const more = { ...embeddings, encoderFingerprint: "another" };
      index.query(new kith.Embeddings(embeddings.data, embeddings.dim, more));
    },
  ],
  ["FILE_FORMAT", , (own) => own.kith.KnnIndex.load(own.file)],
  ["TOO_FEW_EXAMPLES", , (own) => own.index.classify(own.embeddings)],
  ["TOO_FEW_EXAMPLES", "TOO_FEW", (own) => own.kith.kMeans(own.embeddings, 17)],
  ["SETTING", , (own) => own.encoder.embed(picture(1), { batchSize: 0 })],
  [
    "SETTING",
    "SETTING",
    (own) => own.started({ set: { ...small.set, "projection.output": 10_000 } }),
  ],
  ["SETTING", "RECIPE", (own) => own.started({ recipe: "name = 1" })],
  [
    "SETTING",
    "HALF_OVERFLOW",
    async (own) =>
      over(await own.resumed(numbered(own.state, BIAS, 70_000)), (run) =>
        run.checkpoint({ half: true }),
      ),
  ],
  [
    "DIVERGED",
    "DIVERGED",
    async (own) => over(await own.started({ set: faster }), (run) => steps(run, 4)),
  ],
  [
    "BUSY",
    ,
    async ({ run }) => {
      const first = steps(run, 1);
      const second = steps(run, 1);
      await Promise.all([first, second]);
    },
  ],
  [
    "ABORTED",
    ,
    async ({ encoder }) => {
      const control = new AbortController();
      const call = encoder.embed(pictures(64), { batchSize: 1, signal: control.signal });
      control.abort();
      await call;
    },
  ],
  [
    "DISPOSED",
    ,
    async ({ kith, file }) => {
      const encoder = await kith.loadEncoder(file, { device: "cpu" });
      await encoder.dispose();
      await encoder.embed(picture(1));
    },
  ],
];

/** Codes of the core that no page can get, and why. */
export const nativeOnly = {
  REMOTE_DEVICE: "a page has no other process to compute by",
};

/** Codes of the core that nobody sees, since something of the package's own comes before. */
export const unseen = {
  SAMPLES: "the package refuses pixels that are not as many as the sides say",
  PIXEL_COUNT: "the package makes the squares that are counted",
  PICTURE_SIZE: "the package makes the squares, at the encoder's side",
  DIMENSION: "the package compares the lengths of rows",
  DEVICE: "a GPU that fails is lost, and so is what it computes: DEVICE_LOST",
  OUT_OF_MEMORY:
    "no array here is larger than the buffers of the tests' GPU: the program's tests have some",
  NO_ADAPTER: "the package asks for an adapter before it loads anything",
};

/** Codes that are not brought about in Node, and why. The browser's tests bring about all of them. */
export const notInNode = {
  DEVICE_LOST: "Node computes on the CPU",
  SELF_TEST_FAILED: "Node computes on the CPU",
  GPU_ERROR: "Node computes on the CPU",
  WORKER_START: "Node computes in place",
  OUT_OF_MEMORY: "full-memory.test.mjs brings it about, in instances that nobody else shares",
  WASM_PANIC: "full-memory.test.mjs brings it about, too",
};

/** Codes that the package's own part of a worker gives, as the core does. */
const OWN = ["WASM_FETCH", "WASM_COMPILE", "DEVICE_LOST", "GPU_ERROR"];

/** How work fails: the package's code, and the core's code below it. */
export async function codesOf(work) {
  try {
    await work();
    return "no error";
  } catch (error) {
    if (error.name !== "KithError" || !error.hint || !error.message) return String(error.stack);
    for (let cause = error; cause; cause = cause.cause) {
      const code = cause.name?.startsWith("kith:") && cause.name.slice(5);
      if (code && !OWN.includes(code)) return [error.code, code];
    }
    return [error.code, undefined];
  }
}
