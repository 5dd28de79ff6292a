// Runs the bench page in headless Chromium (or serves it, with --serve, for any browser):
//   node run.mjs [--rounds 5] [--only TEXT] [--device webgpu|cpu] [--library NAME,…] [--serve]
//   node run.mjs --first    how long a fresh browser takes to kith-web's first embedding
//   node run.mjs --workers 2    many pictures on the CPU by one worker and by so many
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

import { pretrain } from "../../../web/dist/node.js";
import { serve } from "../browser/serve.mjs";
import { BROUGHT, ENCODERS, SEARCH, fileOf, rows } from "./workloads.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const models = join(here, "models");
const { values: wish } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "" },
    device: { type: "string" },
    library: { type: "string" },
    serve: { type: "boolean", default: false },
    first: { type: "boolean", default: false },
    workers: { type: "string" },
  },
});

/** A checkpoint of fresh weights, the same encoder as ONNX, and searches as ONNX. */
async function makeModels() {
  mkdirSync(models, { recursive: true });
  const python = process.env.KITH_PYTHON ?? "python3";
  const onnx = (...words) => execFileSync(python, [join(here, "models.py"), ...words.map(String)]);
  for (const [size, { width, side }] of Object.entries(ENCODERS)) {
    const path = join(models, `${size}.safetensors`);
    if (existsSync(path)) continue;
    const picture = {
      data: new Uint8Array(3 * side * side),
      width: side,
      height: side,
      channels: 3,
    };
    const set = { "encoder.width": width, "pretraining.unlabelled_batch": 2 };
    const config = { recipe: "keras-simclr", imageSize: side, set };
    const run = await pretrain([picture, picture], config);
    writeFileSync(path, await run.checkpoint());
    onnx("encoder", path, side, join(models, `${size}.onnx`));
    await run.dispose();
  }
  const target = process.env.CARGO_TARGET_DIR ?? join(here, "../../../target");
  for (const [size, { encoder, side }] of Object.entries(BROUGHT)) {
    const path = join(models, fileOf(size));
    if (existsSync(`${path}.onnx`)) continue;
    execFileSync(join(target, "release/examples/infer"), [encoder, side, 1, 1, path].map(String));
  }
  const { dim, k, counts } = SEARCH;
  for (const [size, count] of Object.entries(counts)) {
    const path = join(models, `search-${size}.onnx`);
    if (existsSync(path)) continue;
    writeFileSync(join(models, "rows.f32"), rows(count, dim));
    onnx("search", join(models, "rows.f32"), dim, k, path);
  }
}

await makeModels();
const server = await serve({ bench: here, dist: join(here, "../../../web/dist") });
const url = `${server.url}bench/`;
if (wish.serve) {
  console.log(`open ${url}`);
} else {
  if (wish.workers) await shared(Number(wish.workers));
  else await (wish.first ? firstEmbeddings() : runHere());
  server.close();
  process.exit(0);
}

function launched() {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking"];
  const rest = ["--disable-component-update", "--disable-sync"];
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--enable-unsafe-webgpu", ...quiet, ...rest],
  });
}

/** From the import of the package to the first numbers, each time in a browser just started. */
async function firstEmbeddings() {
  for (const device of wish.device ? [wish.device] : ["webgpu", "cpu"]) {
    const times = [];
    for (let round = 0; round < Number(wish.rounds); round += 1) {
      const browser = await launched();
      const page = await browser.newPage();
      await page.goto(url);
      times.push(await page.evaluate(firstEmbedding, device));
      await browser.close();
    }
    const middle = times.toSorted((a, b) => a - b)[times.length >> 1];
    console.log(
      `${device}: first embedding after ${middle.toFixed(0)} ms, median of ${times.length}`,
    );
  }
}

async function firstEmbedding(device) {
  const picture = { data: new Uint8Array(3 * 32 * 32), width: 32, height: 32, channels: 3 };
  const start = performance.now();
  const { loadEncoder } = await import("../dist/index.js");
  const encoder = await loadEncoder("models/small.safetensors", { device, warmup: false });
  await encoder.embed(picture);
  return performance.now() - start;
}

/** Many pictures by one worker and by several, taking turns. */
async function shared(workers) {
  const browser = await launched();
  const page = await browser.newPage();
  await page.goto(url);
  const pairs = await page.evaluate(manyPictures, [workers, Number(wish.rounds)]);
  const middle = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
  const [one, several] = [0, 1].map((which) => middle(pairs.map((pair) => pair[which])));
  const ratio = middle(pairs.map(([one, several]) => one / several)).toFixed(2);
  console.log(`512 pictures: one worker ${one.toFixed(0)} ms, ${workers} ${several.toFixed(0)} ms`);
  console.log(`${ratio} times faster, median of ${pairs.length} rounds`);
  await browser.close();
}

async function manyPictures([workers, rounds]) {
  const { loadEncoder } = await import("../dist/index.js");
  const side = 96;
  const pictures = Array.from({ length: 512 }, (_, i) => {
    const data = new Uint8Array(3 * side * side).map((_, k) => (k * 7919 + i) % 251);
    return { data, width: side, height: side, channels: 3 };
  });
  const load = (workers) => loadEncoder("models/large.safetensors", { device: "cpu", workers });
  const encoders = [await load(1), await load(workers)];
  const first = [];
  // The first call starts the workers.
  for (const encoder of encoders) first.push(String((await encoder.embed(pictures)).data));
  if (first[0] !== first[1]) throw new Error("the numbers differ");
  const pairs = [];
  for (let round = 0; round < rounds; round += 1) {
    const times = [];
    for (const encoder of encoders) {
      const start = performance.now();
      await encoder.embed(pictures);
      times.push(performance.now() - start);
    }
    pairs.push(times);
  }
  return pairs;
}

async function runHere() {
  const browser = await launched();
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") console.error(message.text().slice(0, 300));
  });
  await page.goto(url);
  const all = [];
  await page.exposeFunction("told", (row) => {
    all.push(row);
    const { line, library, ms, off, failed } = row;
    const numbers = failed
      ? `fails: ${failed}`
      : `${ms.toFixed(2)} ms${off ? `, off by ${off.toExponential(0)}` : ""}`;
    console.log(`${line.padEnd(32)} ${library.padEnd(16)} ${numbers}`);
  });
  const options = {
    rounds: Number(wish.rounds),
    only: wish.only,
    ...(wish.device && { devices: [wish.device] }),
    ...(wish.library && { libraries: wish.library.split(",") }),
  };
  const table = await page.evaluate(
    async ([options, all]) => {
      const { bench, tableOf } = await import("./bench.mjs");
      await bench(options, (row) => (all.push(row), globalThis.told(row)));
      return tableOf(all);
    },
    [options, []],
  );
  const [head, ...lines] = table;
  const row = (cells) => `| ${cells.join(" | ")} |`;
  console.log(
    [row(head), row(head.map((_, i) => (i ? "--:" : "---"))), ...lines.map(row)].join("\n"),
  );
  await browser.close();
}
