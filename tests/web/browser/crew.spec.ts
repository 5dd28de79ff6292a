import { expect, test } from "./tab.js";

/** Loads an encoder whose workers are slow, and counts them. */
const load = `async (workers, { traps = false, fails = false } = {}) => {
  const crew = { made: 0, ended: 0 };
  const worker = () => {
    const other = crew.made++ > 0;
    if (other && fails) throw new Error("no more workers");
    const made = new Worker("/pages/slow.js" + (other && traps ? "?traps" : ""), { type: "module" });
    const terminate = made.terminate.bind(made);
    made.terminate = () => (crew.ended++, terminate());
    return made;
  };
  const from = "/parity/checkpoint.safetensors";
  const encoder = await lab.kith.loadEncoder(from, { device: "cpu", worker, workers });
  return Object.assign(crew, { encoder });
}`;

interface Crew {
  readonly made: number;
  readonly ended: number;
  readonly encoder: Awaited<ReturnType<typeof lab.kith.loadEncoder>>;
}
type Load = (workers?: number, how?: { traps?: boolean; fails?: boolean }) => Promise<Crew>;

test("workers share a long call, to the same bits in the same order", async ({ tab }) => {
  const got = await tab.evaluate(async (source) => {
    const load = (0, eval)(source) as Load;
    const many = Array.from({ length: 403 }, (_, i) => lab.pictures[i % 16]!);
    const alone = await load(1);
    const expected = await alone.encoder.embed(many, { batchSize: 4 });
    const two = await load(2);
    const done: number[] = [];
    const found = await two.encoder.embed(many, {
      batchSize: 4,
      onProgress: ({ loaded }) => done.push(loaded),
    });
    const again = await two.encoder.embed(many.slice(0, 9), { batchSize: 4 });
    await two.encoder.dispose();
    return {
      same: String(found.data) === String(expected.data),
      again: String(again.data) === String(expected.data.slice(0, again.data.length)),
      made: [alone.made, two.made],
      ended: two.ended,
      rising: done.every((count, i) => i === 0 || count > done[i - 1]!),
      last: done.at(-1),
    };
  }, load);
  const all = { same: true, again: true, rising: true, last: 403 };
  expect(got).toEqual({ ...all, made: [1, 2], ended: 2 });
});

test("fewer pictures than workers start none but the first", async ({ tab }) => {
  const got = await tab.evaluate(async (source) => {
    const load = (0, eval)(source) as Load;
    const four = await load(4);
    const { count } = await four.encoder.embed(lab.pictures.slice(0, 3), { batchSize: 1 });
    return { count, made: four.made };
  }, load);
  expect(got).toEqual({ count: 3, made: 1 });
});

test("a shared call is given up half-way, and the next one is whole", async ({ tab }) => {
  const got = await tab.evaluate(async (source) => {
    const load = (0, eval)(source) as Load;
    const many = Array.from({ length: 800 }, (_, i) => lab.pictures[i % 16]!);
    const two = await load(2);
    const control = new AbortController();
    const onProgress = ({ loaded }: { loaded: number }) => loaded > 400 && control.abort();
    const { signal } = control;
    const code = await lab.codeOf(() =>
      two.encoder.embed(many, { batchSize: 4, signal, onProgress }),
    );
    const { count } = await two.encoder.embed(lab.pictures);
    return { code, count, made: two.made };
  }, load);
  expect(got).toEqual({ code: "ABORTED", count: 16, made: 2 });
});

test("a trap in one of them rejects the call, and the next one starts it afresh", async ({
  tab,
}) => {
  const got = await tab.evaluate(async (source) => {
    const load = (0, eval)(source) as Load;
    const many = Array.from({ length: 800 }, (_, i) => lab.pictures[i % 16]!);
    const two = await load(2, { traps: true });
    const trap = new BroadcastChannel("trap");
    let [calls, late] = [0, 0];
    const onProgress = ({ loaded }: { loaded: number }) => {
      calls += 1;
      if (loaded > 400) trap.postMessage("now");
    };
    const code = await lab.codeOf(() => two.encoder.embed(many, { batchSize: 4, onProgress }));
    late = -calls;
    const found = await two.encoder.embed(many.slice(0, 32), { batchSize: 4 });
    late += calls;
    const expected = await (await load(1)).encoder.embed(many.slice(0, 32));
    return { code, late, same: String(found.data) === String(expected.data), made: two.made };
  }, load);
  expect(got).toEqual({ code: "WASM_PANIC", late: 0, same: true, made: 3 });
});

test("where no other worker starts, the first does everything", async ({ tab }) => {
  const got = await tab.evaluate(async (source) => {
    const load = (0, eval)(source) as Load;
    const many = Array.from({ length: 400 }, (_, i) => lab.pictures[i % 16]!);
    const two = await load(2, { fails: true });
    const { count } = await two.encoder.embed(many, { batchSize: 4 });
    const refused = await lab.codeOf(() => load(0));
    return { count, made: two.made, refused };
  }, load);
  expect(got).toEqual({ count: 400, made: 2, refused: "SETTING" });
});
