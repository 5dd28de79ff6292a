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
