// Every error code can be brought about, and is, in Node and (codes.spec.ts) in a tab.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";

import * as kith from "../../../web/dist/node.js";
import { codesOf, made, nativeOnly, notInNode, unseen, ways } from "../codes.mjs";

const read = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const words = (text, pattern) => [...text.matchAll(pattern)].map(([, word]) => word);
/** The only match of a pattern in a file. */
const part = (path, pattern) => {
  const [found] = read(path).match(pattern) ?? assert.fail(`${path} has no ${pattern}`);
  return found;
};

const errors = "web/src/errors.ts";
const codes = words(part(errors, /HINTS[^]*?\n};/), /^ {2}([A-Z_]+):/gm);
const translated = words(part(errors, /FROM_CORE[^]*?\n};/), /^ {2}([A-Z_]+):/gm);
const core = words(part("crates/core/src/error.rs", /fn code\([^]*?\n {4}}/), /"([A-Z_]+)"/g);
const gpu = words(read("crates/wasm/src/engine/gpu.rs"), /"([A-Z_]+)"/g);
const inBrowser = read("tests/web/browser/codes.spec.ts");

/** A tab of these tests has WebGPU, and another way (codes.spec.ts). */
const withoutGpu = ["NO_WEBGPU", , (own) => own.open(own.file, { device: "webgpu" })];
const inNode = [...ways, withoutGpu];

const reached = ways.map(([code]) => code);
const below = ways.map(([, code]) => code);

test("every code of the package is brought about in Node, or has a reason not to be", () => {
  assert.ok(codes.length > 20 && core.length > 20, "the sources list their codes");
  const expected = codes.filter((code) => !(code in notInNode));
  const found = new Set(inNode.map(([code]) => code));
  assert.deepEqual([...found].sort(), expected.sort());
});

test("every code of the package is brought about in a tab", () => {
  const more = words(inBrowser, /^ {2}([A-Z_]+): /gm);
  assert.deepEqual([...new Set([...reached, ...more])].sort(), codes.sort());
});

test("every code of the core is the package's or becomes one, and is brought about", () => {
  const native = Object.keys(nativeOnly);
  assert.deepEqual(
    native.filter((code) => !core.includes(code)),
    [],
    "the core has it no more",
  );
  const all = [...new Set([...core, ...gpu])].filter((code) => !native.includes(code));
  const unknown = all.filter((code) => !codes.includes(code) && !translated.includes(code));
  assert.deepEqual(unknown, [], "a page would get a code that it cannot know");
  assert.deepEqual(
    translated.filter((code) => !all.includes(code)),
    [],
    "the core has it no more",
  );
  const missing = all.filter((code) => !below.includes(code) && !(code in unseen));
  assert.deepEqual(
    missing.filter((code) => !inBrowser.includes(`"${code}"`)),
    [],
    "nothing brings it about",
  );
});

let own;
before(async () => (own = await made(kith)));
for (const [code, under, way] of inNode) {
  test(`${code}${under ? `, which is ${under} below` : ""}`, async () => {
    assert.deepEqual(await codesOf(() => way(own)), [code, under]);
  });
}
