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
    const { kith, pictures, codeOf } = lab;
    const page = (query: string) => () =>
      new Worker(`/pages/full-memory.js?${query}`, { type: "module" });
    const from = "/parity/checkpoint.safetensors";
    const own = { device: "cpu", worker: page("spare=1") } as const;
    const set = { "encoder.width": 64, "pretraining.unlabelled_batch": 8 };
    const started = (more: object) =>
      kith.pretrain(pictures, { ...own, recipe: "simclr", set, ...more });
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
    const embed = await fill(() => encoder.embed(large(1024), { batchSize: 1 }));
    const same = String((await encoder.embed(pictures)).data) === before;
    const augment = await fill(() => encoder.augment(pictures[0]!, { views: 2000 }));
    const run = await started({});
    const steps = async () => {
      const losses: number[] = [];
      for await (const { loss } of run.steps(2)) losses.push(loss);
      return losses;
    };
    const [first] = await steps();
    const step = await fill(steps);
    const again = (await steps()).length;
    const state = await fill(() => run.state());
    const wide = await run.checkpoint();
    // A worker that has no more memory from its begin on.
    const little = { worker: page("now&spare=6") };
    const open = await codeOf(() => kith.loadEncoder(wide, { ...own, ...little }));
    const start = await codeOf(() => started(little));
    return { embed, augment, step, state, open, start, same, again, first: first! > 0 };
  });
  const code = "OUT_OF_MEMORY";
  const codes = { embed: code, augment: code, step: code, state: code, open: code, start: code };
  expect(got).toEqual({ ...codes, same: true, again: 2, first: true });
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
