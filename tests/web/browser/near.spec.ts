import { expect, test, type Page } from "./tab.js";

/** Calls until one sends no message to the worker: the page computes it. */
async function near(tab: Page): Promise<void> {
  await tab.evaluate(async () => {
    const scope = globalThis as unknown as { sent: number; encoder: unknown };
    const post = Worker.prototype.postMessage as (...given: unknown[]) => void;
    scope.sent = 0;
    Worker.prototype.postMessage = function (...given: unknown[]) {
      scope.sent += 1;
      post.apply(this, given);
    };
    const from = "/parity/checkpoint.safetensors";
    const encoder = await lab.kith.loadEncoder(from, { device: "cpu" });
    scope.encoder = encoder;
    for (let before = -1; before !== scope.sent;) {
      before = scope.sent;
      await encoder.embed(lab.pictures[0]!);
    }
  });
}

declare global {
  var sent: number;
  var encoder: Awaited<ReturnType<typeof lab.kith.loadEncoder>>;
}

test("short work is done in the page, to the same bits", async ({ tab }) => {
  await near(tab);
  const got = await tab.evaluate(async () => {
    const { kith, pictures } = lab;
    const worker = () => new Worker("/dist/worker.js", { type: "module" });
    const from = "/parity/checkpoint.safetensors";
    const afar = await kith.loadEncoder(from, { device: "cpu", worker });
    const expected = await Promise.all(pictures.map((one) => afar.embed(one)));
    const before = sent;
    const found = await Promise.all(pictures.map((one) => encoder.embed(one)));
    return {
      same:
        String(found.map(({ data }) => [...data])) ===
        String(expected.map(({ data }) => [...data])),
      sent: sent - before,
    };
  });
  expect(got.same).toBe(true);
  expect(got.sent).toBeLessThan(16);
});

test("timers run between calls that are made one behind the other", async ({ tab }) => {
  await near(tab);
  const ticks = await tab.evaluate(async () => {
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    const start = performance.now();
    while (ticks < 5 && performance.now() - start < 10_000) {
      await encoder.embed(lab.pictures[0]!);
    }
    clearInterval(timer);
    return ticks;
  });
  expect(ticks).toBe(5);
});

test("a neighbour is looked for in the page, too", async ({ tab }) => {
  await near(tab);
  const got = await tab.evaluate(async () => {
    const { kith } = lab;
    const rows = new kith.Embeddings(
      new Float32Array(400 * 64).map((_, i) => Math.sin(i * i)),
      64,
    );
    const worker = () => new Worker("/dist/worker.js", { type: "module" });
    const [bank, afar] = [
      await kith.Bank.create(rows, { device: "cpu" }),
      await kith.Bank.create(rows, { device: "cpu", worker }),
    ];
    const query = rows.row(7);
    const expected = await afar.nearest(query, { k: 5 });
    const same: boolean[] = [];
    for (let before = -1; before !== sent;) {
      before = sent;
      const { indices, similarities } = await bank.nearest(query, { k: 5 });
      same.push(`${indices} ${similarities}` === `${expected.indices} ${expected.similarities}`);
    }
    return same.every(Boolean);
  });
  expect(got).toBe(true);
});

for (const [how, fail] of [
  ["throws", `() => { throw new WebAssembly.RuntimeError("unreachable"); }`],
  [
    "panics in a task of its own",
    `() => {
      const error = new WebAssembly.RuntimeError("unreachable");
      queueMicrotask(() => dispatchEvent(new ErrorEvent("error", { error, cancelable: true })));
      return new Promise(() => {});
    }`,
  ],
  ["has no memory", `() => { throw new RangeError("Array buffer allocation failed"); }`],
] as const) {
  test(`what ${how} in the page is done by the worker`, async ({ tab }) => {
    await near(tab);
    const got = await tab.evaluate(async (fail) => {
      const expected = await encoder.embed(lab.pictures[0]!);
      const script = "/dist/kith_cpu.js";
      const { Encoder } = (await import(script)) as { Encoder: { prototype: object } };
      Object.assign(Encoder.prototype, { embed: (0, eval)(fail) as unknown });
      const before = sent;
      const found = await encoder.embed(lab.pictures[0]!);
      return { same: String(found.data) === String(expected.data), sent: sent - before };
    }, fail);
    expect(got).toEqual({ same: true, sent: 1 });
  });
}

test("what the page has too little memory for is done by the worker", async ({ tab }) => {
  await tab.evaluate(async () => {
    const script = "/tests/wasm-memory.mjs";
    Object.assign(globalThis, { wasm: await import(script) });
  });
  await near(tab);
  const got = await tab.evaluate(async () => {
    const side = 512;
    const data = new Uint8Array(3 * side * side).map((_, i) => i * i);
    const large = { data, width: side, height: side, channels: 3 as const };
    const worker = () => new Worker("/dist/worker.js", { type: "module" });
    const from = "/parity/checkpoint.safetensors";
    const afar = await lab.kith.loadEncoder(from, { device: "cpu", worker });
    const expected = await afar.embed(large);
    wasm.fill(0);
    const before = sent;
    const found = await encoder.embed(large);
    return { same: String(found.data) === String(expected.data), sent: sent - before };
  });
  expect(got).toEqual({ same: true, sent: 1 });
});

declare global {
  var wasm: { fill(spare: number): void };
}
