// Writes the page's two networks, with what the page shows of them before they are loaded.
//
//     node www/scripts/networks.mjs [CHECKPOINT [NOTE]]
//
// takes a checkpoint that `kith pretrain --data gallery` wrote (default: the present one) and writes to
// public/networks: `trained.safetensors` (16-bit floats), `random.safetensors` (the same network before
// its first step) and for each a `.bin` with embeddings of the whole gallery and a `.json` with
// metadata. It copies the report of the run. It needs the native program (KITH, or
// target/release/kith) and web/dist. NOTE describes on the network's card how it was trained, and the
// results; without a CHECKPOINT the note stays the same.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Embeddings, KnnIndex, loadEncoder, pretrain } from "kith-web";

/** Steps between 0 and a column's largest value, at most 15: as few as keep the neighbours the same. */
const LEVELS = { trained: 15, random: 11 };
const SPLITS = ["labelled", "unlabelled", "test"];
const HELD_OUT = "test";
const REPORT = "report.html";
const to = resolve(import.meta.dirname, "../public/networks");
const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../../target");
const kith = process.env.KITH ?? join(target, "release/kith");
const work = mkdtempSync(join(tmpdir(), "kith-networks-"));

const run = (...words) =>
  execFileSync(kith, ["--quiet", ...words], { stdio: ["ignore", "ignore", "inherit"] });

/** Embeddings of the gallery in its order, and the indices of the held-out pictures. */
function embedded(checkpoint, { dim, imageSize, seed }) {
  const rows = new Map();
  const heldOut = [];
  for (const split of SPLITS) {
    const out = join(work, split);
    const data = ["--data", "gallery", "--side", imageSize, "--seed", seed, "--device", "cpu"];
    run("embed", "--checkpoint", checkpoint, "--split", split, "--out", out, ...data.map(String));
    const values = floats(readFileSync(`${out}.npy`));
    const lines = readFileSync(`${out}.csv`, "utf8").trim().split("\n").slice(1);
    lines.forEach((line, row) => {
      const picture = Number(line.split(",")[1]);
      rows.set(picture, values.subarray(row * dim, (row + 1) * dim));
      if (split === HELD_OUT) heldOut.push(picture);
    });
  }
  const data = new Float32Array(rows.size * dim);
  for (const [picture, row] of rows) data.set(row, picture * dim);
  return { data, heldOut: heldOut.sort((a, b) => a - b) };
}

/** The values of an .npy file of f32. */
function floats(file) {
  const header = 10 + file.readUInt16LE(8);
  return new Float32Array(
    file.buffer.slice(file.byteOffset + header, file.byteOffset + file.length),
  );
}

/** Quantizes values in steps of a fraction of their column's largest. */
function quantize(data, dim, levels) {
  const scale = new Array(dim).fill(0);
  data.forEach((x, i) => (scale[i % dim] = Math.max(scale[i % dim], x)));
  const steps = Uint8Array.from(data, (x, i) => {
    const most = scale[i % dim];
    return most > 0 ? Math.round((x / most) * levels) : 0;
  });
  return { steps, scale: scale.map((x) => Number(x.toPrecision(6))) };
}

/** Column by column, which compresses better, two values per byte; both vendors make the count even. */
function pack(steps, dim) {
  const count = steps.length / dim;
  const at = (i) => steps[(i % count) * dim + Math.floor(i / count)];
  return Uint8Array.from({ length: steps.length / 2 }, (_, i) => at(2 * i) | (at(2 * i + 1) << 4));
}

const indexOf = (rows) => {
  const index = new KnnIndex(rows.dim);
  index.add(rows);
  return index;
};

/** Of the held-out pictures, the share whose nearest neighbour is the other drawing of the emoji. */
function retrieval(rows, heldOut) {
  const index = indexOf(rows);
  const found = heldOut.filter((picture) => {
    const [[nearest]] = index.query(rows.row(picture), { k: 1, exclude: [String(picture)] });
    return nearest.index === (picture ^ 1);
  });
  return found.length / heldOut.length;
}

/** Share of pictures that have the same nearest neighbour before and after quantization. */
function agreement(before, after) {
  const [a, b] = [indexOf(before), indexOf(after)];
  const same = (_, picture) => {
    const options = { k: 1, exclude: [String(picture)] };
    const [[one], [other]] = [
      a.query(before.row(picture), options)[0],
      b.query(after.row(picture), options)[0],
    ];
    return one.index === other.index;
  };
  return Array.from({ length: before.count }).filter(same).length / before.count;
}

async function write(name, title) {
  const checkpoint = join(to, `${name}.safetensors`);
  const encoder = await loadEncoder(readFileSync(checkpoint));
  const { recipeToml, views, metrics, ...info } = encoder.info;
  await encoder.dispose();
  const { data, heldOut } = embedded(checkpoint, info);
  const levels = LEVELS[name];
  const { steps, scale } = quantize(data, info.dim, levels);
  const unpacked = Float32Array.from(steps, (x, i) => (x * scale[i % info.dim]) / levels);
  const rows = new Embeddings(unpacked, info.dim).normalize();
  const exact = new Embeddings(data, info.dim);
  const metadata = {
    title,
    checkpoint: `${name}.safetensors`,
    bytes: statSync(checkpoint).size,
    integrity: `sha256-${createHash("sha256").update(readFileSync(checkpoint)).digest("base64")}`,
    levels,
    retrieval: retrieval(exact, heldOut),
    note: noteOf(name),
    ...(name === "trained" && existsSync(join(to, REPORT)) && { report: REPORT }),
    info: {
      ...info,
      metrics: {
        last: {},
        best: { test: metrics.best.test ?? null, validation: metrics.best.validation ?? null },
      },
    },
    scale,
    heldOut: name === "trained" ? heldOut : [],
  };
  writeFileSync(join(to, `${name}.bin`), pack(steps, info.dim));
  writeFileSync(join(to, `${name}.json`), `${JSON.stringify(metadata)}\n`);
  const same = agreement(exact, rows);
  console.log(
    `${name}: ${rows.count} pictures, ${info.dim} numbers each; nearest as unpacked: ${same.toFixed(3)}; retrieval: ${metadata.retrieval.toFixed(4)}`,
  );
}

function noteOf(name) {
  if (name !== "trained") return null;
  if (given) return note;
  const file = join(to, `${name}.json`);
  return (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).note) || null;
}

/** The same network before its first step, with the smallest possible support set. */
async function writeUntrained(trained) {
  const blank = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 };
  const set = { "pretraining.unlabelled_batch": 2, "pretraining.labelled_batch": 0 };
  if (trained.method === "nnclr") set["objective.queue"] = 2;
  const { imageSize, seed, recipeToml: recipe } = trained;
  const start = await pretrain([blank, blank], {
    recipe,
    set,
    imageSize,
    seed,
    dataset: "nothing",
  });
  writeFileSync(join(to, "random.safetensors"), await start.checkpoint({ half: true }));
  await start.dispose();
}

const [given, note = null] = process.argv.slice(2);
const report = given && join(dirname(given), REPORT);
if (report && existsSync(report)) {
  // The path of the run on this machine is removed.
  const text = readFileSync(report, "utf8").replace(/ --run [^\s<]+/g, "");
  writeFileSync(join(to, REPORT), text);
}
if (given) run("export", given, "--half", "--support", "--out", join(to, "trained.safetensors"));
const trained = await loadEncoder(readFileSync(join(to, "trained.safetensors")));
await writeUntrained(trained.info);
await trained.dispose();
await write("trained", "The trained network");
await write("random", "The untrained network");
const drawing = [
  "--views",
  "8",
  "--pictures",
  "6",
  "--data",
  "gallery",
  "--side",
  "32",
  "--seed",
  "4",
];
run("augment", "--policy", "quick.views", ...drawing, "--out", resolve(to, "../gallery/views.png"));
rmSync(work, { recursive: true });
