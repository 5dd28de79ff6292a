// Mixed precision on the CPU, which rounds as a GPU does.
import assert from "node:assert/strict";
import { test } from "node:test";

import { pretrain, resumePretraining } from "../../../web/dist/node.js";
import { errorOf, pictures, small } from "../made.mjs";

const all = pictures(24);
const mixed = { ...small, set: { ...small.set, precision: "mixed" } };

async function losses(run, count) {
  const taken = [];
  for await (const { loss } of run.steps(count)) taken.push(loss);
  return taken;
}

test("a run in mixed precision is nearly that in full, and goes on to the same bits", async () => {
  const [full, run] = [await pretrain(all, small), await pretrain(all, mixed)];
  const expected = await losses(full, 4);
  const first = await losses(run, 2);
  const state = await run.state();
  const rest = await losses(run, 2);
  const resumed = await resumePretraining(state, all, { device: "cpu" });
  assert.deepEqual(await losses(resumed, 2), rest);
  assert.notDeepEqual([...first, ...rest], expected);
  for (const [step, loss] of [...first, ...rest].entries()) {
    assert.ok(
      Math.abs(loss - expected[step]) < 5e-3 * expected[step],
      `${loss}, ${expected[step]}`,
    );
  }
  await Promise.all([full, run, resumed].map((one) => one.dispose()));
});

test("other precisions are refused", async () => {
  const error = await errorOf(() => pretrain(all, { ...small, set: { precision: "half" } }));
  assert.equal(error.code, "SETTING");
  assert.match(error.message, /half.*full.*mixed/s);
});
