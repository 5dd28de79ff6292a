// What is downloaded says nothing of the machine that built it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

const modules = ["kith_cpu_bg.wasm", "kith_cpu_relaxed_bg.wasm", "kith_webgpu_bg.wasm"];

for (const name of modules) {
  test(`${name} names no folder of the machine that built it`, async () => {
    const module = await readFile(new URL(`../../../web/dist/${name}`, import.meta.url));
    assert.ok(module.includes("registry/burn-"), "places in sources are named");
    // A home may be the root of all.
    for (const folder of [homedir(), root].filter((folder) => folder.length > 1)) {
      const at = module.indexOf(folder);
      const found = module.subarray(at, at + 120).toString("latin1");
      assert.equal(at, -1, `it says ${found}`);
    }
  });
}
