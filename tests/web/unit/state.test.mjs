// A run that goes on: with what it began with, or not at all.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { loadEncoder, pretrain, resumePretraining } from "../../../web/dist/node.js";
import { codeOf, errorOf, pictures, small, withHeader } from "../made.mjs";

const all = pictures(24);
const labels = all.map((_, place) => (place % 3 ? ["odd", "even"][place % 2] : null));
let state, expected, checkpoint;

const losses = async (run, n) => {
  const found = [];
  for await (const { loss } of run.steps(n)) found.push(loss);
  return found;
};

before(async () => {
  const run = await pretrain(all, { ...small, labels });
  await losses(run, 2);
  state = await run.state();
  expected = await losses(run, 2);
  checkpoint = await run.checkpoint();
  await run.dispose();
});

const resumed = async (images, labels, from = state) => {
  const run = await resumePretraining(from, images, { device: "cpu", labels });
  try {
    return await losses(run, 2);
  } finally {
    await run.dispose();
  }
};

test("on the same pictures and labels it goes on to the same bits", async () => {
  assert.deepEqual(await resumed(all, labels), expected);
});

test("a state that was resumed and taken again is the same", async () => {
  const run = await resumePretraining(state, all, { device: "cpu", labels });
  assert.deepEqual(await run.state(), state);
  await run.dispose();
});

test("another number of pictures, or other labels, is another run", async () => {
  const swapped = labels.map((label) => (label === "odd" ? "even" : label && "odd"));
  const renamed = labels.map((label) => (label === "odd" ? "uneven" : label));
  const wrong = [
    ["20 of 24 pictures", all.slice(0, 20), labels.slice(0, 20), /24 pictures.*20/],
    ["more pictures", [...all, ...all], [...labels, ...labels], /24 pictures.*48/],
    ["no labels", all, undefined, /2 classes.*0/],
    ["one label fewer", all, labels.with(1, null), /16 labelled.*15/],
    ["a label more", all, labels.with(0, "odd"), /16 labelled.*17/],
    ["a third class", all, labels.with(1, "third"), /2 classes.*3/],
    ["labels changed places", all, swapped, /other labels/],
    ["a class has another name", all, renamed, /other labels/],
    ["labels of other pictures", all, [...labels.slice(1), labels[0]], /other labels/],
  ];
  for (const [what, images, labels, said] of wrong) {
    const { code, message, hint } = await errorOf(() => resumed(images, labels));
    assert.equal(code, "OTHER_RUN", what);
    assert.match(message, said, what);
    assert.match(hint, /pictures and labels/);
  }
});

test("bytes that are no state are refused, and name what they are not", async () => {
  const foreign = withHeader(state, (text) =>
    text.replace(/"kith-web":"(\\.|[^"\\])*"/, '"kith-web":"{"'),
  );
  const wrong = [new Uint8Array(100), new Uint8Array(), checkpoint, state.slice(0, 999), foreign];
  for (const bytes of [...wrong, null, "state", new Blob([state])]) {
    assert.equal(await codeOf(() => resumed(all, labels, bytes)), "CHECKPOINT_FORMAT");
  }
});

test("a state whose losses are no numbers is refused", async () => {
  for (const odd of [
    "7",
    '{"first":7,"epochs":[],"sum":0,"counted":0}',
    '{"first":["a"]}',
    "null",
  ]) {
    const note = JSON.stringify({ "kith-web losses": odd }).slice(1, -1);
    const damaged = withHeader(state, (text) =>
      text.replace(/"kith-web losses":"(\\.|[^"\\])*"/, () => note),
    );
    assert.notDeepEqual(damaged, state);
    assert.equal(await codeOf(() => resumed(all, labels, damaged)), "CHECKPOINT_FORMAT", odd);
  }
});

test("a state that says nothing of its pictures goes on with the right number of classes", async () => {
  const silent = withHeader(state, (text) => text.replace(/,?"kith-web":"(\\.|[^"\\])*"/, ""));
  assert.ok(silent.length < state.length);
  assert.deepEqual(await resumed(all, labels, silent), expected);
  assert.equal(await codeOf(() => resumed(all, undefined, silent)), "OTHER_RUN");
});

test("labels of one run are the class names of its checkpoint", async () => {
  const encoder = await loadEncoder(checkpoint, { device: "cpu" });
  assert.deepEqual(encoder.info.classNames, ["even", "odd"]);
  await encoder.dispose();
});
