// What is written can be read: files at the limits of what opens.
import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import {
  Embeddings,
  KnnIndex,
  LinearProbe,
  loadProject,
  saveProject,
} from "../../../web/dist/node.js";
import { bytesOf, codeOf, errorOf, numbers, withHeader } from "../made.mjs";

/** A report of no picture. */
const reportOf = (labels) => ({
  accuracy: NaN,
  measuredOn: "training",
  perClass: labels.map((label) => ({ label, accuracy: NaN, count: 0 })),
  confusion: { labels, counts: new Uint32Array(labels.length ** 2) },
  misclassified: [],
  validation: [],
});

test("an index whose names are too long to be read again is not saved", async () => {
  const named = (length) => {
    const index = new KnnIndex(1);
    const id = (place) => String(place).padStart(length, "n");
    index.add(
      numbers(10),
      Array.from({ length: 10 }, (_, place) => ({ id: id(place) })),
    );
    return index;
  };
  const just = named(9_900_000);
  assert.equal((await KnnIndex.load(just.save())).size, 10);
  const longer = named(10_100_000);
  assert.equal(await codeOf(() => longer.save()), "FILE_FORMAT");
  assert.equal(await codeOf(() => saveProject({ index: longer })), "FILE_FORMAT");
});

test("an empty index comes back, and goes on", async () => {
  const index = await KnnIndex.load(new KnnIndex(3, { metric: "l2" }).save());
  assert.deepEqual([index.size, index.dim, index.metric], [0, 3, "l2"]);
  index.add(numbers(3));
  assert.equal(index.query(numbers(3), { k: 1 })[0][0].similarity, -0);
});

test("pictures of no bytes and of odd names come back", async () => {
  const pictures = {
    empty: new Blob([], { type: "image/png" }),
    __proto__x: new Blob(["x"]),
    7: new Blob(["seven"]),
    "ä/ö \u{1f33b}": new Blob(["flower"], { type: "image/webp" }),
  };
  const project = await loadProject(await saveProject({ pictures, settings: null }));
  assert.deepEqual(Object.keys(project.pictures).sort(), Object.keys(pictures).sort());
  for (const [id, picture] of Object.entries(pictures)) {
    assert.deepEqual(
      [await project.pictures[id].text(), project.pictures[id].type],
      [await picture.text(), picture.type],
    );
  }
});

test("a project that lost a picture is damaged", async () => {
  const saved = await bytesOf(await saveProject({ pictures: { one: new Blob(["1"]) } }));
  const lost = withHeader(saved, (text) => text.replace('"picture/one"', '"picture/two"'));
  assert.equal(await codeOf(() => loadProject(lost)), "FILE_FORMAT");
});

test("pictures that are together too large are refused before they are read", async () => {
  const part = new Blob([new Uint8Array(1 << 20)]);
  const huge = new Blob(Array(2048).fill(part));
  assert.equal(huge.size, 2 ** 31);
  const { code, message } = await errorOf(() => saveProject({ pictures: { huge } }));
  assert.equal(code, "FILE_FORMAT");
  assert.match(message, /got 2147483648/);
});

test("a file whose numbers are not what was saved is damaged", async () => {
  const index = new KnnIndex(2);
  index.add(Float32Array.of(3, 4, 0, 0));
  const saved = await bytesOf(index.save());
  assert.equal((await KnnIndex.load(saved)).size, 2);
  new DataView(saved.buffer).setFloat32(saved.length - 16, 7, true);
  assert.equal(await codeOf(() => KnnIndex.load(saved)), "FILE_FORMAT");
  const weights = { weight: numbers(4), bias: numbers(2) };
  const probe = new LinearProbe(["a", "b"], weights, reportOf(["a", "b"]));
  const json = JSON.parse(await probe.save("json").text());
  for (const odd of [null, "0.5", true, [0.5]]) {
    const text = JSON.stringify({ ...json, bias: [odd, 0] });
    assert.equal(await codeOf(() => LinearProbe.load(new Blob([text]))), "FILE_FORMAT");
  }
});

test("settings that JSON cannot hold, and pictures that changed, are refused", async () => {
  const cyclic = {};
  cyclic.self = cyclic;
  for (const settings of [cyclic, { big: 7n }]) {
    assert.equal(await codeOf(() => saveProject({ settings })), "FILE_FORMAT");
  }
  const folder = await mkdtemp(join(tmpdir(), "kith-web-"));
  try {
    const path = join(folder, "picture");
    await writeFile(path, "before");
    const picture = await openAsBlob(path);
    await appendFile(path, "after");
    assert.equal(await codeOf(() => saveProject({ pictures: { picture } })), "FILE_FORMAT");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("accuracies that nothing was measured for come back as NaN", async () => {
  const report = reportOf(["a", "b"]);
  const weights = { weight: numbers(6), bias: numbers(2) };
  const probe = new LinearProbe(["a", "b"], weights, report, "e");
  for (const format of ["safetensors", "json"]) {
    const back = await LinearProbe.load(probe.save(format));
    assert.deepEqual(back.report, report, format);
    assert.deepEqual([back.weight, back.bias], [weights.weight, weights.bias]);
  }
});

test("an index file that does not say how it compares is damaged", async () => {
  const index = new KnnIndex(2, { metric: "l2" });
  index.add(numbers(4));
  const silent = withHeader(await bytesOf(index.save()), (text) =>
    text.replace('\\"metric\\":\\"l2\\",', ""),
  );
  assert.equal(await codeOf(() => KnnIndex.load(silent)), "FILE_FORMAT");
});

test("a probe file whose report is not what was measured is damaged", async () => {
  const probe = new LinearProbe(["a"], { weight: numbers(2), bias: numbers(1) }, reportOf(["a"]));
  const saved = await bytesOf(probe.save());
  assert.equal((await LinearProbe.load(saved)).dim, 2);
  for (const [whole, odd] of [
    ['\\"accuracy\\":null', '\\"accuracy\\":\\"all\\"'],
    ['\\"accuracy\\":null', '\\"accuracy\\":7'],
    ['\\"measuredOn\\":\\"training\\"', '\\"measuredOn\\":7'],
    ['\\"label\\":\\"a\\"', '\\"label\\":[]'],
    ['\\"count\\":0', '\\"count\\":-1'],
    ['\\"counts\\":[0]', '\\"counts\\":[0,0]'],
    ['\\"misclassified\\":[]', '\\"misclassified\\":{}'],
    ['\\"validation\\":[]', '\\"validation\\":[0.5]'],
  ]) {
    const damaged = withHeader(saved, (text) => text.replace(whole, odd));
    assert.notDeepEqual(damaged, saved, whole);
    assert.equal(await codeOf(() => LinearProbe.load(damaged)), "FILE_FORMAT", odd);
  }
});

test("a probe refuses embeddings of another encoder, whatever it is asked for", async () => {
  const weights = { weight: numbers(4), bias: numbers(2) };
  const probe = new LinearProbe(["a", "b"], weights, reportOf(["a", "b"]), "one");
  const rows = new Embeddings(numbers(4), 2, { encoderFingerprint: "another" });
  for (const ask of ["predict", "predictClasses", "probabilities"]) {
    assert.equal(await codeOf(() => probe[ask](rows)), "ENCODER_MISMATCH", ask);
  }
});
