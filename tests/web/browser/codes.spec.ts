// Every error code is brought about in a tab; codes.test.mjs sees that none is missing.
import { expect, test } from "./tab.js";

/** A worker of pages/ that has the failure. */
const workers: Record<string, { page: string; device: "cpu" | "webgpu" }> = {
  NO_WEBGPU: { page: "no-device.js", device: "webgpu" },
  DEVICE_LOST: { page: "losable.js", device: "webgpu" },
  SELF_TEST_FAILED: { page: "wrong-numbers.js", device: "webgpu" },
  GPU_ERROR: { page: "refused-shader.js", device: "webgpu" },
  OUT_OF_MEMORY: { page: "little-memory.js?most=0", device: "cpu" },
  WASM_PANIC: { page: "trapping.js", device: "cpu" },
  WORKER_START: { page: "nowhere.js", device: "cpu" },
};

/** The core's code below, where it is another one. */
const below: Record<string, string> = { NO_WEBGPU: "DEVICE_REQUEST" };

for (const [code, { page, device }] of Object.entries(workers)) {
  test(`${code} in a worker`, async ({ tab }) => {
    const got = await tab.evaluate(
      async ({ page, device }) => {
        const script = "/tests/codes.mjs";
        const { codesOf } = await import(script);
        const [lose, trap] = ["lose", "trap"].map((name) => new BroadcastChannel(name));
        // The device is destroyed again and again, as often as it comes back.
        const losing = setInterval(() => lose!.postMessage("now"), 20);
        const got = await codesOf(async () => {
          const worker = () => new Worker(`/pages/${page}`, { type: "module" });
          const from = "/parity/checkpoint.safetensors";
          const encoder = await lab.kith.loadEncoder(from, { device, worker, warmup: false });
          trap!.postMessage("now");
          await new Promise((done) => setTimeout(done, 100));
          for (let call = 0; call < 20; call += 1) await encoder.embed(lab.pictures);
        });
        clearInterval(losing);
        return got;
      },
      { page, device },
    );
    expect(got).toEqual([code, below[code]]);
  });
}

test("all others, with the core's codes below them", async ({ tab }) => {
  const faults = await tab.evaluate(async () => {
    const script = "/tests/codes.mjs";
    const { codesOf, made, ways } = await import(script);
    const own = await made(lab.kith);
    const faults: string[] = [];
    for (const [code, under, way] of ways) {
      const got = String(await codesOf(() => way(own)));
      const expected = String([code, under]);
      if (got !== expected) faults.push(`expected ${expected}, got ${got}`);
    }
    return faults;
  });
  expect(faults).toEqual([]);
});
