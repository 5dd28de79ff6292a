import { expect, test } from "./tab.js";

test("a trap rejects every pending call, and the next one starts afresh", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, codeOf } = lab;
    const worker = () => new Worker("/pages/trapping.js", { type: "module" });
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", {
      device: "cpu",
      worker,
    });
    const before = await encoder.embed(pictures);
    new BroadcastChannel("trap").postMessage("now");
    await new Promise((done) => setTimeout(done, 100));
    const codes = await Promise.all(
      [0, 1, 2].map((i) => codeOf(() => encoder.embed(pictures[i]!))),
    );
    const after = await encoder.embed(pictures);
    return { codes, same: String(before.data) === String(after.data) };
  });
  expect(got.codes).toEqual(["WASM_PANIC", "WASM_PANIC", "WASM_PANIC"]);
  expect(got.same).toBe(true);
});

test("a worker that cannot start says so", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, codeOf } = lab;
    const from = "/parity/checkpoint.safetensors";
    const missing = await codeOf(() => kith.loadEncoder(from, { workerUrl: "/nowhere.js" }));
    const refused = await codeOf(() =>
      kith.loadEncoder(from, {
        worker: () => {
          throw new Error("the policy forbids it");
        },
      }),
    );
    return [missing, refused];
  });
  expect(got).toEqual(["WORKER_START", "WORKER_START"]);
});

test("where memory does not suffice, a batch goes in halves; for one picture it is named", async ({
  tab,
}) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, codeOf } = lab;
    const load = (most: number) =>
      kith.loadEncoder("/parity/checkpoint.safetensors", {
        device: "cpu",
        warmup: false,
        worker: () => new Worker(`/pages/little-memory.js?most=${most}`, { type: "module" }),
      });
    const whole = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const expected = await whole.embed(pictures);
    const halves = await (await load(5)).embed(pictures);
    const none = await load(0);
    const code = await codeOf(() => none.embed(pictures[0]!));
    return { same: String(halves.data) === String(expected.data), code };
  });
  expect(got).toEqual({ same: true, code: "OUT_OF_MEMORY" });
});

test("a network that no memory suffices for is told from a bug", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, codeOf } = lab;
    const set = { "encoder.width": 8192 };
    const code = await codeOf(() =>
      kith.pretrain(pictures, { device: "cpu", recipe: "simclr", set }),
    );
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    return [code, (await encoder.embed(pictures)).count];
  });
  expect(got).toEqual(["OUT_OF_MEMORY", 16]);
});

test("wherever WebAssembly is refused memory, the call says so, and the next one starts afresh", async ({
  tab,
}) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, parity, codeOf } = lab;
    const worker = () => new Worker("/pages/full-memory.js?spare=1", { type: "module" });
    const from = "/parity/checkpoint.safetensors";
    const own = { device: "cpu", worker } as const;
    const large = (side: number): typeof pictures =>
      Array.from({ length: 16 }, () => ({
        data: new Uint8Array(3 * side * side),
        width: side,
        height: side,
        channels: 3 as const,
      }));
    const fill = async (work: () => unknown) => {
      new BroadcastChannel("fill").postMessage("now");
      await new Promise((done) => setTimeout(done, 200));
      return codeOf(work);
    };
    const encoder = await kith.loadEncoder(from, own);
    const before = String((await encoder.embed(pictures)).data);
    const codes = { embed: await fill(() => encoder.embed(large(1024), { batchSize: 1 })) };
    const same = String((await encoder.embed(pictures)).data) === before;
    const augment = await fill(() => encoder.augment(pictures[0]!, { views: 2000 }));
    const run = await kith.pretrain(pictures, { ...own, recipe: parity.pretraining.toml });
    const step = await fill(async () => {
      for await (const _ of run.steps(2));
    });
    return { ...codes, same, augment, step };
  });
  const code = "OUT_OF_MEMORY";
  expect(got).toEqual({ embed: code, same: true, augment: code, step: code });
});

test("steps of one run that are pulled twice at once are refused, and go on", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, parity, codeOf } = lab;
    const run = await kith.pretrain(pictures, {
      device: "cpu",
      recipe: parity.pretraining.toml,
      labels: lab.names,
    });
    const pull = async (n: number) => {
      const steps = [];
      for await (const { step } of run.steps(n)) steps.push(step);
      return steps;
    };
    const first = pull(2);
    const code = await codeOf(() => pull(1));
    return { code, first: await first, then: await pull(1) };
  });
  expect(got).toEqual({ code: "BUSY", first: [1, 2], then: [3] });
});
