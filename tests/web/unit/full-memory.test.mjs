// Where WebAssembly is refused memory in Node, the call says so, and the next one starts afresh.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

// Before the package, whose WebAssembly it looks at.
import { fill } from "../wasm-memory.mjs";
import { checkpoint, codeOf, picture, pictures, small } from "../made.mjs";
import { panics } from "../panic.mjs";

const kith = await import("../../../web/dist/node.js");
const wide = { ...small, set: { ...small.set, "encoder.width": 256 } };
const open = () => kith.pretrain(pictures(16), wide);

// Its instance ends with it, so that the others begin with no more than they need.
const first = await open();
const file = await first.checkpoint();
await first.dispose();
const encoder = await kith.loadEncoder(await checkpoint(kith), { device: "cpu" });
const expected = (await encoder.embed(pictures(4))).data;

/** Without the test runner, which would take a trap for its own. */
async function alone(work) {
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  try {
    await work();
    assert.equal(process.listenerCount("uncaughtException"), 0, "nobody listens any more");
  } finally {
    others.forEach((listener) => process.on("uncaughtException", listener));
  }
}

const steps = async (run, n) => {
  const losses = [];
  for await (const { loss } of run.steps(n)) losses.push(loss);
  return losses;
};

const work = {
  "a picture is embedded": () => encoder.embed(picture(1, 1024)),
  "views are made": () => encoder.augment(picture(1), { views: 2000 }),
  "an encoder is opened": () => kith.loadEncoder(file, { device: "cpu" }),
  "a run is started": open,
};
for (const [name, call] of Object.entries(work)) {
  test(`OUT_OF_MEMORY where ${name}`, () =>
    alone(async () => {
      fill(1);
      assert.equal(await codeOf(call), "OUT_OF_MEMORY");
      assert.deepEqual((await encoder.embed(pictures(4))).data, expected);
    }));
}

for (const [name, call] of [
  ["a step is taken", (run) => steps(run, 1)],
  ["a state is saved", (run) => run.state()],
]) {
  test(`OUT_OF_MEMORY where ${name}, and the run goes on`, () =>
    alone(async () => {
      const run = await open();
      fill(1);
      assert.equal(await codeOf(() => call(run)), "OUT_OF_MEMORY");
      assert.deepEqual((await encoder.embed(pictures(4))).data, expected);
      assert.equal((await steps(run, 1)).length, 1);
      await run.dispose();
    }));
}

test("OUT_OF_MEMORY where no memory can be had for the WebAssembly", async () => {
  const held = [];
  try {
    for (;;) held.push(new WebAssembly.Memory({ initial: 1, maximum: 65536 }));
  } catch {
    // That was the last one.
  }
  const wasmUrl = new URL("../../../web/dist/", import.meta.url);
  assert.equal(await codeOf(() => kith.loadEncoder(file, { wasmUrl })), "OUT_OF_MEMORY");
  assert.ok(held.length > 0);
});

test("a panic is told from that, with its words", () =>
  alone(async () => {
    const call = () => encoder.augment(picture(1), { ops: [{}] });
    const error = await panics(call).catch((e) => e);
    assert.equal(error.code, "WASM_PANIC", String(error.stack));
    assert.match(error.message, /panicked at .*fail\.rs/s);
    assert.deepEqual((await encoder.embed(pictures(4))).data, expected);
  }));

test("other errors than traps end Node while a call is under way, as ever", async () => {
  const script = `
    const { picture, checkpoint } = await import(${JSON.stringify(new URL("../made.mjs", import.meta.url))});
    const kith = await import(${JSON.stringify(new URL("../../../web/dist/node.js", import.meta.url))});
    const encoder = await kith.loadEncoder(await checkpoint(kith), { device: "cpu" });
    setTimeout(() => { throw new Error("of the caller's own"); });
    for (;;) await encoder.embed(picture(1));`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.ok(status > 0, `it ended with ${status}`);
  assert.match(stderr, /of the caller's own/);
});
