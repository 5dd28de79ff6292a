// Nothing of a call stays behind once its answer is forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import * as kith from "../../../web/dist/node.js";
import { checkpoint, picture, pictures, small } from "../made.mjs";
import { bytes } from "../wasm-memory.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Bytes of array buffers, once below `most` or after 20 collections. V8 frees them beside the program, after `gc` returns. */
async function held(most) {
  let bytes = Infinity;
  for (let round = 0; round < 20 && bytes >= most; round += 1) {
    collect();
    await setTimeout(50);
    bytes = process.memoryUsage().arrayBuffers;
  }
  return bytes;
}

test("the answers of the backend are not kept", async () => {
  const encoder = await kith.loadEncoder(await checkpoint(kith), { device: "cpu" });
  const work = async (calls) => {
    for (let call = 0; call < calls; call += 1) await encoder.augment(picture(1), { views: 100 });
  };
  await work(3);
  const answer = 100 * 3 * 32 * 32;
  const before = await held(0);
  await work(40);
  const most = before + 4 * answer;
  const after = await held(most);
  assert.ok(after < most, `${after - before} bytes of 40 answers of ${answer}`);
  await encoder.dispose();
});

test("runs that are opened and let go without a step leave nothing in the WebAssembly", async () => {
  const open = async (times) => {
    for (let time = 0; time < times; time += 1) {
      await (await kith.pretrain(pictures(16), small)).dispose();
    }
  };
  // The instance ends with the last that uses it.
  const kept = await kith.pretrain(pictures(16), small);
  await open(10);
  const before = bytes();
  await open(60);
  await kept.dispose();
  // Autodiff keeps some kB of each, unless it is made to look for what is gone.
  assert.ok(bytes() - before <= 2 * 65536, `${bytes() - before} bytes of 60 runs`);
});
