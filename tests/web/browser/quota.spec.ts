// A browser that keeps nothing more.
import { expect, test } from "./tab.js";

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("where nothing more can be kept, loading works all the same", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    Cache.prototype.put = async () => {
      throw new DOMException("no room", "QuotaExceededError");
    };
    const encoder = await lab.kith.loadEncoder(from, { device: "cpu" });
    return [encoder.info.dim, (await lab.kith.checkpointCache.list()).length];
  }, CHECKPOINT);
  expect(got).toEqual([16, 0]);
});
