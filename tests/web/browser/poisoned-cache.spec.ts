// What lies in the browser's cache and is no checkpoint.
import { expect, left, test } from "./tab.js";

const CHECKPOINT = "/parity/checkpoint.safetensors";
const CACHE = "kith-checkpoints";

test("a wrong body is not kept for the next visit", async ({ tab }) => {
  let asked = 0;
  await tab.route(`**${CHECKPOINT}`, (route) => {
    asked += 1;
    if (asked > 1) return route.continue();
    const body = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
    return route.fulfill({ body, contentType: "text/plain" });
  });
  const load = () =>
    tab.evaluate((from) => {
      const { kith, codeOf } = lab;
      return codeOf(async () => (await kith.loadEncoder(from, { device: "cpu" })).info.dim);
    }, CHECKPOINT);
  const kept = () => tab.evaluate(async () => (await lab.kith.checkpointCache.list()).length);
  expect(await load()).toBe("CHECKPOINT_FORMAT");
  expect(await kept()).toBe(0);
  expect(await load()).toBe("no error but 16");
  expect(await kept()).toBe(1);
  expect(await load()).toBe("no error but 16");
  expect(asked, "what opened is not asked for again").toBe(2);
});

test("what an earlier visit kept wrongly is fetched anew, at once", async ({ tab }) => {
  const half = [...left("checkpoint.safetensors").subarray(0, 5000)];
  const got = await tab.evaluate(
    async ([from, cache, half]) => {
      const url = new URL(from, location.href).href;
      const bad = new Response(new Uint8Array(half));
      await (await caches.open(cache)).put(url, bad);
      const { info } = await lab.kith.loadEncoder(from, { device: "cpu" });
      const [entry] = await lab.kith.checkpointCache.list();
      return [info.dim, entry!.bytes];
    },
    [CHECKPOINT, CACHE, half] as const,
  );
  expect(got).toEqual([16, left("checkpoint.safetensors").length]);
});
