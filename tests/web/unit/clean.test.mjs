// Clean-up in Node: copies, wrong labels and outliers that were planted.
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { cleanUp, loadEncoder, pretrain } from "../../../web/dist/node.js";
import { checkpoint, codeOf } from "../made.mjs";

/** A picture of a disc on a ground; the class says the colour of the disc. */
function disc(number, label) {
  const side = 32;
  const data = new Uint8Array(3 * side * side);
  let state = number + 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let burn = 0; burn < 8; burn += 1) random();
  const colour = label === "red" ? [220, 40, 40] : [40, 60, 220];
  const ground = [0, 1, 2].map(() => 120 + 120 * random());
  const [x, y, radius] = [10 + 12 * random(), 10 + 12 * random(), 4 + 5 * random()];
  for (let pixel = 0; pixel < side * side; pixel += 1) {
    const inside = Math.hypot((pixel % side) - x, Math.floor(pixel / side) - y) < radius;
    for (let channel = 0; channel < 3; channel += 1)
      data[3 * pixel + channel] = (inside ? colour : ground)[channel] * (0.96 + 0.04 * random());
  }
  return { data, width: side, height: side, channels: 3 };
}

const COUNT = 80;
const labels = Array.from({ length: COUNT }, (_, place) => (place % 2 ? "red" : "blue"));
const pictures = labels.map((label, place) => disc(place, label));
const [WRONG, COPY] = [11, COUNT];
let encoder;

before(async () => {
  const bytes = await checkpoint({ pretrain });
  encoder = await loadEncoder(bytes, { device: "cpu" });
});

test("a copy and a wrong label that were planted are found", async () => {
  const given = labels.with(WRONG, "blue");
  const progress = [];
  const found = await cleanUp(encoder, [...pictures, pictures[7]], {
    labels: [...given, null],
    onProgress: ({ loaded, total }) => progress.push([loaded, total]),
  });
  const { groups, copiesFound } = found.nearDuplicates;
  const pairs = groups.flatMap(({ kept, others }) => others.map(({ picture }) => [kept, picture]));
  assert.ok(
    pairs.some(([kept, other]) => kept === 7 && other === COPY),
    JSON.stringify(pairs),
  );
  assert.deepEqual(Object.keys(copiesFound), ["resized", "cropped", "brightened"]);
  const { doubts, judged, small } = found.labels;
  assert.deepEqual([judged, small], [COUNT, []]);
  const doubt = doubts.find(({ picture }) => picture === WRONG);
  assert.ok(doubt, JSON.stringify(doubts));
  assert.deepEqual([doubt.label, doubt.suggested], ["blue", "red"]);
  assert.equal(labels[doubt.beside], "red");
  assert.ok(doubt.likely > doubt.probability);
  const total = COUNT + 1 + 3 * (COUNT + 1);
  assert.deepEqual(progress.at(-1), [total, total]);
});

test("without labels none are judged, and the same pictures give the same", async () => {
  const [one, two] = [await cleanUp(encoder, pictures), await cleanUp(encoder, pictures)];
  assert.equal(one.labels, null);
  assert.deepEqual(one, two);
});

test("what cannot be looked through says why", async () => {
  const code = (images, options) => codeOf(() => cleanUp(encoder, images, options));
  assert.equal(await code(pictures.slice(0, 1)), "TOO_FEW_EXAMPLES");
  assert.equal(await code([]), "TOO_FEW_EXAMPLES");
  assert.equal(await code(pictures, { labels: labels.slice(1) }), "DIM_MISMATCH");
  assert.equal(await code(pictures, { labels: [7, ...labels.slice(1)] }), "SETTING");
  assert.equal(await code([...pictures, "http://127.0.0.1:1/none.png"], {}), "IMAGE_DECODE");
  assert.equal(await code(pictures, { signal: AbortSignal.abort() }), "ABORTED");
});
