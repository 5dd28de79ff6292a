// A run that is run again from its record.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  decodeRecord,
  encodeRecord,
  pretrain,
  readRecord,
  replay,
  resumePretraining,
} from "../../../web/dist/node.js";
import { codeOf, errorOf, pictures, small } from "../made.mjs";

const all = pictures(24);
const labels = all.map((_, place) => (place % 3 ? ["odd", "even"][place % 2] : null));

const taken = async (run, n) => {
  for await (const _ of run.steps(n));
};

/** The record of a run after so many steps. */
async function recorded(n, config = {}) {
  const run = await pretrain(all, { ...small, labels, dataset: "noise", ...config });
  await taken(run, n);
  const record = await run.record();
  await run.dispose();
  return record;
}

const changed = (record, change) => {
  const object = JSON.parse(record);
  change(object);
  return JSON.stringify(object);
};

test("a run agrees to the bit with its record, which an address can hold", async () => {
  const record = await recorded(Infinity);
  const code = await encodeRecord(record);
  assert.match(code, /^[\w-]+$/);
  assert.ok(code.length < 2_500, `${code.length} characters`);
  assert.equal(await decodeRecord(code), record);
  const { plan, data, first_losses, epoch_losses, weights } = await readRecord(record);
  assert.deepEqual([plan.steps * plan.epochs, data.source], [6, "noise"]);
  assert.deepEqual([first_losses.length, epoch_losses.length], [6, 2]);
  assert.match(weights, /^[0-9a-f]{16}$/);
  const again = await replay(record, all, { device: "cpu", labels });
  assert.equal((await again.agreement()).steps, 0, "before the first step");
  assert.equal(await again.weightsEqual(), undefined);
  await taken(again.run, Infinity);
  const { steps, equal, differences, departs } = await again.agreement();
  assert.deepEqual([steps, equal, departs], [6, 6, null]);
  assert.deepEqual(differences, [0, 0, 0, 0, 0, 0]);
  assert.equal(await again.weightsEqual(), true);
  assert.deepEqual(
    JSON.parse(await again.run.record()).first_losses,
    JSON.parse(record).first_losses,
  );
  await again.run.dispose();
});

test("a link gives back what was encoded to the letter", async () => {
  for (const text of ["", "\ufeff{}", "\0", "{\ud83c\udf3b}"]) {
    assert.equal(await decodeRecord(await encodeRecord(text)), text);
  }
});

test("rounding is told from another run", async () => {
  const record = await recorded(6);
  const again = await replay(
    changed(record, ({ first_losses }) =>
      first_losses.forEach((loss, step) => (first_losses[step] = loss * (1 + 3e-7))),
    ),
    all,
    { device: "cpu", labels },
  );
  await taken(again.run, Infinity);
  const near = await again.agreement();
  assert.equal(near.departs, null);
  assert.ok(
    near.differences.every((off, step) => off > 0 && off <= near.tolerances[step]),
    JSON.stringify(near),
  );
  await again.run.dispose();
  const far = await replay(
    changed(record, ({ first_losses }) => (first_losses[2] *= 1.1)),
    all,
    { device: "cpu", labels },
  );
  await taken(far.run, Infinity);
  const { equal, departs } = await far.agreement();
  assert.deepEqual([equal, departs.step], [2, 3]);
  assert.ok(departs.tolerance < 0.05, JSON.stringify(departs));
  await far.run.dispose();
});

test("a run that was resumed has the record of one that was not", async () => {
  const run = await pretrain(all, { ...small, labels, dataset: "noise" });
  await taken(run, 4);
  const state = await run.state();
  await run.dispose();
  const resumed = await resumePretraining(state, all, { device: "cpu", labels, dataset: "noise" });
  await taken(resumed, Infinity);
  assert.equal(await resumed.record(), await recorded(6));
  await resumed.dispose();
});

test("other pictures or labels, and what is no record, are refused", async () => {
  const record = await recorded(2);
  const swapped = labels.map((label) => (label === "odd" ? "even" : label && "odd"));
  for (const [what, images, own] of [
    ["another order", [...all].reverse(), labels],
    ["one fewer", all.slice(1), labels.slice(1)],
    ["other labels", all, swapped],
  ]) {
    const config = { device: "cpu", labels: own };
    assert.equal(await codeOf(() => replay(record, images, config)), "OTHER_RUN", what);
  }
  const native = changed(record, (object) => (object.ran_in = "terminal"));
  const error = await errorOf(() => replay(native, all, { device: "cpu", labels }));
  assert.match(error.message, /`kith replay` runs it again/);
  for (const text of ["", "{}", record.slice(1), changed(record, (o) => (o.plan.side = 0))]) {
    assert.equal(await codeOf(() => readRecord(text)), "RECORD", text.slice(0, 40));
  }
  const code = await encodeRecord(record);
  for (const wrong of ["", "%", code.slice(0, -9), `${code.slice(0, 40)}A${code.slice(41)}`]) {
    assert.equal(await codeOf(() => decodeRecord(wrong)), "RECORD", wrong.slice(0, 40));
  }
  const bomb = await encodeRecord(" ".repeat(70_000));
  assert.match((await errorOf(() => decodeRecord(bomb))).message, /more than 65536 bytes/);
  assert.equal(await codeOf(() => replay(7, all)), "SETTING");
});
