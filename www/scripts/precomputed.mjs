// What the page shows of a network before it is loaded: embeddings of the whole gallery by the native
// program (KITH, or target/release/kith), four bits a number, and metadata.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { Embeddings, KnnIndex, loadEncoder } from "kith-web";

const SPLITS = ["labelled", "unlabelled", "test"];
const HELD_OUT = "test";
const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, "../../target");
const kith = process.env.KITH ?? join(target, "release/kith");

/** Runs the native program. */
export const run = (...words) =>
  execFileSync(kith, ["--quiet", ...words], { stdio: ["ignore", "ignore", "inherit"] });

/**
 * Writes `NAME.bin`, embeddings, and `NAME.json`, metadata, beside a checkpoint `NAME.safetensors`.
 * `levels` are the steps between a column's ends, at most 15, which are `reach` standard deviations from
 * its mean: a value beyond is moved there. `describe` adds to the
 * metadata, and gets the numbers of the pictures that were not trained on.
 */
export async function precompute(checkpoint, { levels, reach }, describe) {
  const bytes = readFileSync(checkpoint);
  const encoder = await loadEncoder(bytes, { device: "cpu" });
  const { recipeToml, views, metrics, ...info } = encoder.info;
  await encoder.dispose();
  const { data, heldOut } = embedded(checkpoint, info);
  const { steps, least, scale } = quantize(data, info.dim, { levels, reach });
  const value = (x, column) => least[column] + (x * scale[column]) / levels;
  const unpacked = Float32Array.from(steps, (x, i) => value(x, i % info.dim));
  const rows = new Embeddings(unpacked, info.dim).normalize();
  const exact = new Embeddings(data, info.dim);
  const { test = null, validation = null } = metrics.best;
  const same = agreement(exact, rows);
  const metadata = {
    checkpoint: basename(checkpoint),
    bytes: bytes.length,
    integrity: `sha256-${createHash("sha256").update(bytes).digest("base64")}`,
    levels,
    retrieval: retrieval(exact, heldOut),
    agreement: same,
    ...describe(heldOut),
    info: { ...info, metrics: { last: {}, best: { test, validation } } },
    least,
    scale,
  };
  const beside = (ending) => checkpoint.replace(/safetensors$/, ending);
  writeFileSync(beside("bin"), pack(steps, info.dim));
  writeFileSync(beside("json"), `${JSON.stringify(metadata)}\n`);
  console.log(
    `${basename(checkpoint)}: ${rows.count} pictures, ${info.dim} numbers each; nearest as unpacked: ${same.toFixed(3)}; retrieval: ${metadata.retrieval.toFixed(4)}`,
  );
}

/** Embeddings of the gallery in its order, and the indices of the held-out pictures. */
function embedded(checkpoint, { dim, imageSize, seed }) {
  const work = mkdtempSync(join(tmpdir(), "kith-embedded-"));
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
  rmSync(work, { recursive: true });
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

/** Quantizes values in equal steps between the ends of their column. */
function quantize(data, dim, { levels, reach }) {
  const columns = Array.from({ length: dim }, (_, column) => ends(data, { dim, column, reach }));
  const [least, most] = [0, 1].map((end) =>
    columns.map((ends) => Number(ends[end].toPrecision(6))),
  );
  const scale = most.map((x, column) => Number((x - least[column]).toPrecision(6)));
  const steps = Uint8Array.from(data, (x, i) => {
    const share = (x - least[i % dim]) / scale[i % dim];
    return scale[i % dim] > 0 ? Math.round(Math.min(Math.max(share, 0), 1) * levels) : 0;
  });
  return { steps, least, scale };
}

/** The lower and the upper end of a column: no further than its values. */
function ends(data, { dim, column, reach }) {
  const values = Float64Array.from(
    { length: data.length / dim },
    (_, row) => data[row * dim + column],
  );
  const sum = (numbers) => numbers.reduce((sum, x) => sum + x, 0);
  const mean = sum(values) / values.length;
  const most = reach * Math.sqrt(sum(values.map((x) => (x - mean) ** 2)) / values.length);
  const extreme = (better) => values.reduce((best, x) => better(best, x));
  return [Math.max(extreme(Math.min), mean - most), Math.min(extreme(Math.max), mean + most)];
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
