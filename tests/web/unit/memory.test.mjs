// Nothing of a call stays behind once its answer is forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import * as kith from "../../../web/dist/node.js";
import { checkpoint, picture } from "../made.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

test("the answers of the backend are not kept", async () => {
  const encoder = await kith.loadEncoder(await checkpoint(kith), { device: "cpu" });
  const work = async (calls) => {
    for (let call = 0; call < calls; call += 1) await encoder.augment(picture(1), { views: 100 });
    // What finishes a call may still hold its answer.
    await new Promise(setImmediate);
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const [before, answer] = [await work(3), 100 * 3 * 32 * 32];
  const after = await work(40);
  assert.ok(after - before < 4 * answer, `${after - before} bytes of 40 answers of ${answer}`);
  await encoder.dispose();
});
