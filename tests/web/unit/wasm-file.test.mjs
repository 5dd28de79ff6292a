// Which build is loaded: the faster one where it runs, the other everywhere else.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { wasmFile } from "../../../web/dist/node.js";

const runs = async (name) =>
  WebAssembly.validate(await readFile(new URL(`../../../web/dist/${name}`, import.meta.url)));

test("the build with relaxed SIMD is named where it runs", async () => {
  const relaxed = "kith_cpu_relaxed_bg.wasm";
  assert.equal(wasmFile("cpu") === relaxed, await runs(relaxed));
  assert.equal(wasmFile("webgpu"), "kith_webgpu_bg.wasm");
});

test("no build is named for what is no device of its own", () => {
  for (const device of ["auto", "gpu", undefined]) {
    assert.throws(() => wasmFile(device), { code: "SETTING" });
  }
});

test("the build without relaxed SIMD runs everywhere", async () => {
  assert.ok(await runs("kith_cpu_bg.wasm"));
});

test("where WebAssembly is switched off, a build is named that can say so", () => {
  const { WebAssembly: kept } = globalThis;
  try {
    delete globalThis.WebAssembly;
    assert.equal(wasmFile("cpu"), "kith_cpu_bg.wasm");
  } finally {
    globalThis.WebAssembly = kept;
  }
});
