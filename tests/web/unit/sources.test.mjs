// Where bytes come from: views, used-up responses, files that changed, addresses that answer wrongly.
import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import {
  checkpointCache,
  KnnIndex,
  LinearProbe,
  loadEncoder,
  loadProject,
  pretrain,
  resumePretraining,
  saveProject,
} from "../../../web/dist/node.js";
import {
  bytesOf,
  checkpoint,
  codeOf,
  errorOf,
  furthest,
  numbers,
  picture,
  pictures,
  small,
  withHeader,
} from "../made.mjs";

let folder;
let file;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "kith-web-"));
  file = await checkpoint({ pretrain });
});
after(() => rm(folder, { recursive: true }));

const load = (source, more = {}) => loadEncoder(source, { device: "cpu", ...more });

/** Whether a source opens, or its code. */
const opens = async (source, more) => codeOf(async () => (await load(source, more)).dispose());
const OPENED = "no error";

/** The same bytes in every form that has them: most are views with an offset. */
function views(bytes) {
  const behind = (all) => (all.set(bytes, 5), all.subarray(5, 5 + bytes.length));
  return {
    "a Uint8Array": bytes,
    "an ArrayBuffer": bytes.slice().buffer,
    "a view with an offset": behind(new Uint8Array(bytes.length + 9)),
    "a Buffer": Buffer.from(bytes),
    "a Buffer with an offset": behind(Buffer.alloc(bytes.length + 9, 7)),
    "a view of shared memory": behind(new Uint8Array(new SharedArrayBuffer(bytes.length + 9))),
    "a DataView": new DataView(bytes.slice().buffer),
    "a Blob": new Blob([bytes]),
  };
}

const weights = { weight: numbers(8, 2), bias: Float32Array.of(0.25, -0.5) };
const report = {
  accuracy: NaN,
  measuredOn: "training",
  perClass: [{ label: "a", accuracy: NaN, count: 0 }],
  confusion: { labels: ["a", "b"], counts: new Uint32Array(4) },
  misclassified: [],
  validation: [],
};

test("every view of the same bytes is the same file, for every reader", async () => {
  const index = new KnnIndex(4);
  index.add(numbers(12), [{ id: "x", label: "l" }]);
  const probe = new LinearProbe(["a", "b"], weights, report);
  const pictured = { index, probe, pictures: { one: new Blob(["a picture"]) }, settings: { a: 1 } };
  const saved = await bytesOf(await saveProject(pictured));
  for (const [what, source] of Object.entries(views(await bytesOf(index.save())))) {
    const back = await KnnIndex.load(source);
    assert.deepEqual(back.query(numbers(4)), index.query(numbers(4)), what);
  }
  for (const format of ["safetensors", "json"]) {
    for (const [what, source] of Object.entries(views(await bytesOf(probe.save(format))))) {
      const { weight, bias, report } = await LinearProbe.load(source);
      assert.deepEqual({ weight, bias }, weights, `${format} in ${what}`);
      assert.deepEqual([report.accuracy, report.perClass[0].accuracy], [NaN, NaN], what);
    }
  }
  for (const [what, source] of Object.entries(views(saved))) {
    const { pictures, settings } = await loadProject(source);
    assert.equal(await pictures.one.text(), "a picture", what);
    assert.deepEqual(settings, { a: 1 }, what);
  }
  for (const [what, source] of Object.entries(views(file))) {
    assert.equal(await opens(source), OPENED, what);
  }
});

test("bytes of the caller stay the caller's, and what becomes of them changes nothing", async () => {
  const own = Buffer.from(file);
  const encoder = await load(own);
  assert.deepEqual(new Uint8Array(own), file, "not taken, not changed");
  const one = picture(1);
  const samples = Buffer.concat([Buffer.alloc(3), Buffer.from(one.data)]).subarray(3);
  const expected = await encoder.embed(one);
  own.fill(0);
  assert.equal(furthest((await encoder.embed({ ...one, data: samples })).data, expected.data), 0);
  assert.deepEqual(new Uint8Array(samples), one.data);
  await encoder.dispose();
  const run = await pretrain(pictures(16), small);
  const state = await run.state();
  await run.dispose();
  const before = state.slice();
  const again = resumePretraining(state, pictures(16), { device: "cpu" });
  state.fill(0);
  assert.deepEqual(await (await again).state(), before);
  await (await again).dispose();
});

test("bytes that were transferred away are named", async () => {
  const gone = file.slice();
  structuredClone(gone, { transfer: [gone.buffer] });
  assert.equal(await opens(gone), "CHECKPOINT_FORMAT");
  assert.equal(await codeOf(() => KnnIndex.load(gone)), "FILE_FORMAT");
});

test("what was read before, has changed or is nothing has a code", async () => {
  const used = new Response(file);
  await used.arrayBuffer();
  const locked = new Response(file);
  locked.body.getReader();
  const broken = new ReadableStream({ pull: (control) => control.error(new Error("cut off")) });
  const path = join(folder, "chosen");
  await writeFile(path, file);
  const chosen = await openAsBlob(path);
  await appendFile(path, "more");
  const none = () => Promise.reject(new DOMException("gone", "NotFoundError"));
  const wrong = [
    [used, "CHECKPOINT_HTTP"],
    [locked, "CHECKPOINT_HTTP"],
    [new Response(broken), "CHECKPOINT_HTTP"],
    [Response.error(), "CHECKPOINT_HTTP"],
    [chosen, "CHECKPOINT_HTTP"],
    [{ getFile: none }, "CHECKPOINT_HTTP"],
    ["http://", "CHECKPOINT_HTTP"],
    [join(folder, "nothing"), "CHECKPOINT_HTTP"],
    [new Response(null), "CHECKPOINT_FORMAT"],
    [{ getFile: () => "no file" }, "CHECKPOINT_FORMAT"],
    ...[null, undefined, {}, 7, Symbol("s"), () => {}, []].map((x) => [x, "CHECKPOINT_FORMAT"]),
  ];
  const loaders = { KnnIndex: KnnIndex.load, LinearProbe: LinearProbe.load, loadProject };
  for (const [source, expected] of wrong) {
    assert.equal(await opens(source), expected, String(source));
  }
  for (const [what, read] of Object.entries(loaders)) {
    const reads = (source) => read.call({ KnnIndex, LinearProbe }[what], source);
    assert.equal(await codeOf(() => reads(chosen)), "CHECKPOINT_HTTP", what);
    for (const nothing of [null, undefined, {}, 7, [], new Uint8Array(3), new Blob([])]) {
      assert.equal(await codeOf(() => reads(nothing)), "FILE_FORMAT", `${what} of ${nothing}`);
    }
  }
  assert.equal(await opens(new Response(file)), OPENED, "a fresh response opens as before");
});

const answers = {
  "a pointer": () => new Response("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
  "an error in JSON": () => new Response('{"error":"rate limited"}'),
  "a truncated file": () => new Response(file.slice(0, file.length / 2)),
  "a newer checkpoint": () =>
    new Response(withHeader(file, (text) => text.replace('\\"format\\":1', '\\"format\\":9'))),
};

for (const [what, answer] of Object.entries(answers)) {
  test(`${what} is not kept: the server is asked again`, async () => {
    for (const cache of ["persistent", "memory"]) {
      let asked = 0;
      const get = async () => ((asked += 1), asked === 1 ? answer() : new Response(file));
      const url = `https://example.invalid/${cache}/${encodeURIComponent(what)}`;
      const first = await opens(url, { fetch: get, cache });
      assert.match(first, /^CHECKPOINT_(FORMAT|ARCH)$/);
      assert.equal(await opens(url, { fetch: get, cache }), OPENED);
      assert.equal(asked, 2);
      assert.equal(await opens(url, { fetch: get, cache }), OPENED);
      assert.equal(asked, 2, "what opened is kept");
      assert.equal(await checkpointCache.delete(url), 1);
      assert.equal(await opens(url, { fetch: get, cache }), OPENED);
      assert.equal(asked, 3, "what was forgotten is asked for");
    }
  });
}

test("a failed download leaves nothing behind", async () => {
  const url = "https://example.invalid/failing";
  const gets = [
    () => Promise.reject(new TypeError("no network")),
    () => Promise.resolve(null),
    () => Promise.resolve(new Response("", { status: 503 })),
    () => Promise.resolve(new Response("<html>", { headers: { "content-type": "text/html" } })),
  ];
  for (const get of gets) assert.equal(await opens(url, { fetch: get }), "CHECKPOINT_HTTP");
  assert.equal(await opens(url, { fetch: async () => new Response(file) }), OPENED);
});

test("a seed above 2^53 comes back as its digits, a smaller one as a number", async () => {
  for (const seed of ["9007199254740993", "18446744073709551615"]) {
    const bytes = withHeader(file, (text) => text.replace('\\"seed\\":0', `\\"seed\\":${seed}`));
    const encoder = await load(bytes);
    assert.equal(encoder.info.seed, seed);
    await encoder.dispose();
  }
  const largest = withHeader(file, (text) =>
    text.replace('\\"seed\\":0', '\\"seed\\":9007199254740991'),
  );
  const encoder = await load(largest);
  assert.equal(encoder.info.seed, Number.MAX_SAFE_INTEGER);
  await encoder.dispose();
});

test("large numbers in metrics do not keep a checkpoint from opening", async () => {
  const bytes = withHeader(file, (text) =>
    text.replace(
      '\\"last\\":{}',
      '\\"last\\":{\\"images\\":[18446744073709551615,-9007199254740993,0.5]}',
    ),
  );
  const encoder = await load(bytes);
  const { images } = encoder.info.metrics.last;
  assert.deepEqual(images, ["18446744073709551615", "-9007199254740993", 0.5]);
  await encoder.dispose();
});

test("a checkpoint for pictures that no tab can hold is refused", async () => {
  const file = await checkpoint({ pretrain }, '{ kind = "conv4_pool" }'); // One that takes any side.
  for (const side of ["1025", "4294967295"]) {
    const bytes = withHeader(file, (text) => text.replace('\\"side\\":32', `\\"side\\":${side}`));
    const { code, message } = await errorOf(() => load(bytes));
    assert.equal(code, "CHECKPOINT_FORMAT");
    assert.match(
      message,
      new RegExp(`at most 1024 pixels a side, got ${side}|side = ${side} is out`),
    );
  }
});

test("the message of a wrong source says what was expected and what came", async () => {
  const error = await errorOf(() => load(null));
  assert.match(error.message, /expected a URL.*got null/);
});
