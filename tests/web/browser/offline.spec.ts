// A second visit: what is kept of the first one, and what if it was damaged meanwhile.
import { expect, openTab, test } from "./tab.js";

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("a second visit works without the network", async ({ page, context }) => {
  await openTab(page);
  const load = async (from: string) => {
    const seen: boolean[] = [];
    await lab.kith.loadEncoder(from, {
      device: "cpu",
      onProgress: ({ phase, fromCache }) => {
        if (phase === "checkpoint") seen.push(fromCache);
      },
    });
    return seen.at(-1);
  };
  expect(await page.evaluate(load, CHECKPOINT)).toBe(false);
  expect(await page.evaluate(load, CHECKPOINT)).toBe(true);
  await context.setOffline(true);
  expect(await page.evaluate(load, CHECKPOINT)).toBe(true);
  const cache = await page.evaluate(async (from) => {
    const { checkpointCache } = lab.kith;
    const url = new URL(from, location.href).href;
    const [entry] = await checkpointCache.list();
    const before = await checkpointCache.has(url);
    const gone = await checkpointCache.delete(url);
    return [entry?.url === url, (entry?.bytes ?? 0) > 1000, before, gone];
  }, CHECKPOINT);
  expect(cache).toEqual([true, true, true, 1]);
});

test("a cached file that was damaged is fetched anew", async ({ tab }) => {
  const dim = await tab.evaluate(async (from) => {
    const bytes = await (await fetch(from)).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const integrity = `sha256-${btoa(String.fromCharCode(...hash))}`;
    const cache = await caches.open("kith-checkpoints");
    await cache.put(new URL(from, location.href).href, new Response("damaged"));
    return (await lab.kith.loadEncoder(from, { device: "cpu", integrity })).info.dim;
  }, CHECKPOINT);
  expect(dim).toBe(16);
});
