// A run with its pictures in one file: to another tab, to a terminal, and back.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import {
  loadEncoder,
  pretrain,
  readRunFile,
  resumePretraining,
  resumeSemiSupervised,
  trainSemiSupervised,
} from "../../../web/dist/node.js";
import { checkpoint, errorOf, pictures, small, withHeader } from "../made.mjs";

const all = pictures(24);
const labels = all.map((_, place) => (place % 3 ? ["odd", "even"][place % 2] : null));
const kith = join(
  process.env["CARGO_TARGET_DIR"] ?? join(import.meta.dirname, "../../../target"),
  "release/kith",
);

async function taken(run, n) {
  const losses = [];
  for await (const { loss } of run.steps(n)) losses.push(loss);
  return losses;
}

/** All losses of a run, and its file after two steps. */
async function whole() {
  const run = await pretrain(all, { ...small, labels, dataset: "noise" });
  const first = await taken(run, 2);
  const file = await run.toFile();
  const rest = await taken(run, Infinity);
  await run.dispose();
  return { losses: [...first, ...rest], file };
}

const opened = ({ state, images, labels: known, dataset }) =>
  resumePretraining(state, images, { device: "cpu", labels: known, dataset });

test("a run goes on in another tab with the pictures of its file, to the bit", async () => {
  const { losses, file } = await whole();
  const taking = readRunFile(file);
  const { kind, images, dataset, step, total } = taking;
  assert.deepEqual([kind, dataset, step, total], ["pretraining", "noise", 2, 6]);
  assert.deepEqual(taking.labels, labels);
  assert.deepEqual(images[5], all[5], "its pixels");
  const run = await opened(taking);
  assert.deepEqual(await taken(run, Infinity), losses.slice(2));
  assert.deepEqual([...run.firstLosses], losses);
  // A file of a run that went on is a run file, too.
  assert.equal(readRunFile(await run.toFile()).step, 6);
  await run.dispose();
});

test("a run goes on in a terminal and comes back", { skip: !existsSync(kith) }, async () => {
  const { losses, file } = await whole();
  const folder = mkdtempSync(join(tmpdir(), "kith-"));
  const path = join(folder, "run.safetensors");
  writeFileSync(path, file);
  const words = ["resume", path, "--steps", "2", "--device", "cpu", "--json"];
  const there = JSON.parse(execFileSync(kith, words, { encoding: "utf8" }));
  assert.deepEqual([there.steps, there.total], [4, 6]);
  const back = readRunFile(new Uint8Array(readFileSync(path)));
  assert.deepEqual([back.step, back.labels], [4, labels]);
  const run = await opened(back);
  const last = await taken(run, Infinity);
  // Two processors' sums are rounded otherwise.
  [...run.firstLosses].forEach((loss, at) =>
    assert.ok(
      Math.abs(loss - losses[at]) < 1e-3 * losses[at],
      `step ${at}: ${loss}, ${losses[at]}`,
    ),
  );
  assert.equal(last.length, 2);
  await run.dispose();
  const encoder = await loadEncoder(new Uint8Array(readFileSync(there.checkpoint)), {
    device: "cpu",
  });
  assert.deepEqual(encoder.info.classNames, ["even", "odd"]);
  await encoder.dispose();
  rmSync(folder, { recursive: true });
});

test("a semi-supervised run goes on with its file", async () => {
  const config = { device: "cpu", imageSize: 32, epochs: 1, stepsPerEpoch: 4 };
  const set = { "semi.unlabelled_batch": 8, "semi.labelled_batch": 4 };
  const run = await trainSemiSupervised(all, labels, { ...config, set });
  const first = await taken(run, 1);
  const { kind, ...taking } = readRunFile(await run.toFile());
  assert.equal(kind, "semi-supervised");
  const losses = [...first, ...(await taken(run, Infinity))];
  await run.dispose();
  const again = await resumeSemiSupervised(taking.state, taking.images, taking.labels, {
    device: "cpu",
  });
  assert.deepEqual(await taken(again, Infinity), losses.slice(1));
  await again.dispose();
});

test("a run begins with the encoder of a file, and says whose it was", async () => {
  const from = await checkpoint({ pretrain }, '{kind="conv4_pool"}');
  const { imageSize: _, ...config } = small;
  const run = await pretrain(all, { ...config, from });
  assert.match(run.recipeToml, /kind = "conv4_pool"/);
  assert.equal(run.plan.side, 32, "the checkpoint's");
  const before = await loadEncoder(from, { device: "cpu" });
  const expected = await before.embed(all.slice(0, 4), { normalize: true });
  const got = await run.embed(all.slice(0, 4));
  got.data.forEach((value, at) => assert.ok(Math.abs(value - expected.data[at]) < 1e-5));
  await before.dispose();
  await run.dispose();
});

test("what is no run file is refused, with what it is", async () => {
  const { file } = await whole();
  const run = await pretrain(all, { ...small, labels });
  const state = await run.state();
  await run.dispose();
  const note = (change) =>
    withHeader(file, (header) => {
      const all = JSON.parse(header);
      const said = JSON.parse(all.__metadata__.kith);
      change(said, all);
      return JSON.stringify({ ...all, __metadata__: { kith: JSON.stringify(said) } });
    });
  for (const [bytes, said] of [
    [state, /a state without its pictures/],
    [await checkpoint({ pretrain }), /this is no run file/],
    [file.subarray(0, 100), /cut off/],
    [note(({ run_file: own }) => (own.version = 2)), /version 1, got 2/],
    [note(({ run_file: own }) => own.classes.pop()), /classes of 24 pictures, got 23/],
    [note(({ run_file: own }) => (own.classes[1] = 9)), /class 9, which has no name/],
    [note((_, all) => (all.images.shape[0] = 7)), /expected U8 \[n, 3, 32, 32\]/],
    [note((_, all) => (all.images = null)), /without its pictures/],
    [note((said) => delete said.counters), /damaged/],
  ]) {
    const error = await errorOf(async () => readRunFile(bytes));
    assert.deepEqual([error.code, said.test(error.message)], ["FILE_FORMAT", true], error.message);
  }
  const error = await errorOf(async () => readRunFile("run"));
  assert.equal(error.code, "SETTING");
});
