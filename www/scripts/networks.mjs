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
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { loadEncoder, pretrain } from "kith-web";
import { precompute, run } from "./precomputed.mjs";

/** Steps of a column and its ends, by which most neighbours stay the same. */
const STEPS = { trained: { levels: 15, reach: 2.6 }, random: { levels: 11, reach: 2 } };
const REPORT = "report.html";
const to = resolve(import.meta.dirname, "../public/networks");

async function write(name, title) {
  await precompute(join(to, `${name}.safetensors`), STEPS[name], (heldOut) => ({
    title,
    note: noteOf(name),
    ...(name === "trained" && existsSync(join(to, REPORT)) && { report: REPORT }),
    heldOut: name === "trained" ? heldOut : [],
  }));
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
  const set = {
    "pretraining.unlabelled_batch": 2,
    "pretraining.labelled_batch": 0,
    "pretraining.batches": "mixed",
  };
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
