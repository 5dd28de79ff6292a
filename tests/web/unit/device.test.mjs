// Checks of adapters before anything is downloaded: they are those that Rust has.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { probeDevice } from "../../../web/dist/index.js";
import init, * as kith from "../../../web/dist/kith_cpu.js";

const wasm = readFileSync(new URL("../../../web/dist/kith_cpu_bg.wasm", import.meta.url));
(await init({ module_or_path: wasm })).__wasm_call_ctors();
const { leastStorageBuffer, software, browserFeatures } = kith.requirements();

/** What is found on a page whose adapter is so. */
async function found({ bytes = leastStorageBuffer, features = browserFeatures, name = "a GPU" }) {
  const adapter = {
    features: new Set(features),
    limits: { maxBufferSize: bytes, maxStorageBufferBindingSize: bytes },
    info: { vendor: "", architecture: "", description: name },
  };
  const gpu = { requestAdapter: async () => adapter };
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  const { actual, reason } = await probeDevice();
  return [actual, reason];
}

test("an adapter with what is required is used", async () => {
  assert.deepEqual(await found({}), ["webgpu", undefined]);
});

test("an adapter that lacks something is not used, and the reason is told", async () => {
  assert.deepEqual(await found({ bytes: leastStorageBuffer - 1 }), ["cpu", "limits-too-low"]);
  assert.deepEqual(await found({ features: [] }), ["cpu", "no-timestamp-query"]);
});

test("software is known by its name", async () => {
  for (const word of software) {
    const name = `Google ${word.toUpperCase()} (LLVM)`;
    assert.deepEqual(await found({ name }), ["cpu", "software-adapter"]);
  }
});
