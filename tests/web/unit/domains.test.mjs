// Batches of one domain: who says domains, what they do, and what a run remembers of them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { pretrain, readRunFile, resumePretraining } from "../../../web/dist/node.js";
import { errorOf, pictures, small } from "../made.mjs";

const all = pictures(24);
const one = { ...small, set: { ...small.set, "pretraining.batches": "one_domain" } };
const domains = all.map((_, place) => (place % 3 ? "near" : "far"));

async function losses(config) {
  const run = await pretrain(all, config);
  const taken = [];
  for await (const { loss } of run.steps()) taken.push(loss);
  await run.dispose();
  return taken;
}

test("one domain is as good as none, and two are not", async () => {
  const mixed = await losses(small);
  const alike = all.map(() => "one");
  assert.deepEqual(await losses({ ...one, domains: alike }), mixed);
  assert.deepEqual(await losses({ ...small, domains }), mixed, "where the recipe wants none");
  assert.notDeepEqual(await losses({ ...one, domains }), mixed);
});

test("domains that are missing, too few or no words are refused", async () => {
  const refused = (more) => errorOf(() => pretrain(all, { ...one, ...more }));
  const missing = await refused({});
  assert.equal(missing.code, "SETTING");
  assert.match(missing.message, /pretraining\.batches .*option domains/);
  const few = await refused({ domains: domains.slice(1) });
  assert.equal(few.code, "DIM_MISMATCH");
  assert.match(few.message, /expected 24 domains, one a picture, got 23/);
  assert.equal((await refused({ domains: [...domains.slice(1), 7] })).code, "SETTING");
  assert.equal((await refused({ domains: "near" })).code, "SETTING");
  // Three pictures of one domain fill no batch.
  const rare = all.map((_, place) => (place < 3 ? "rare" : "common"));
  const unfilled = await refused({ domains: rare });
  assert.equal(unfilled.code, "TOO_FEW_EXAMPLES");
  assert.match(unfilled.message, /of each domain/);
});

test("a run goes on with the domains that it began with", async () => {
  const whole = await losses({ ...one, domains });
  const run = await pretrain(all, { ...one, domains });
  for await (const { step } of run.steps(2)) assert.ok(step <= 2);
  const [state, file] = [await run.state(), await run.toFile()];
  await run.dispose();
  const device = "cpu";
  const resumed = await resumePretraining(state, all, { device, domains });
  const rest = [];
  for await (const { loss } of resumed.steps()) rest.push(loss);
  assert.deepEqual(rest, whole.slice(2));
  await resumed.dispose();

  const others = domains.toReversed();
  const other = await errorOf(() => resumePretraining(state, all, { device, domains: others }));
  assert.equal(other.code, "OTHER_RUN");
  assert.match(other.message, /other domains/);

  const taking = readRunFile(file);
  assert.deepEqual(taking.domains, domains);
  const again = await resumePretraining(taking.state, taking.images, {
    device,
    domains: taking.domains,
  });
  const there = [];
  for await (const { loss } of again.steps()) there.push(loss);
  assert.deepEqual(there, whole.slice(2));
  await again.dispose();
});
