/** Checkpoints that were downloaded before: in the browser's Cache API, or in this page's memory. */
import { text } from "./checks.js";
import type { CachedCheckpoint } from "./types.js";

const NAME = "kith-checkpoints";
const SAVED = "x-kith-saved";
const SIZE = "x-kith-size";

/** Where a download is cached: for later visits, or as long as the page is open. */
export interface CacheOptions {
  readonly cache: "persistent" | "memory";
  readonly name?: string;
}

/** Bytes kept as long as the page is open: for `cache: 'memory'`, and where the browser stores nothing. */
const inMemory = new Map<string, Uint8Array>();

async function open(name: string): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open(name);
  } catch {
    return undefined; // No storage here: private windows, file pages.
  }
}

/** The cached bytes of a URL; `undefined` where they cannot be read. */
export async function cachedBytes(
  url: string,
  { cache, name = NAME }: CacheOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = inMemory.get(url);
  if (bytes) return new Uint8Array(bytes);
  if (cache !== "persistent") return undefined;
  try {
    const response = await (await open(name))?.match(url);
    return response && new Uint8Array(await response.arrayBuffer());
  } catch {
    return undefined; // Storage that the browser has lost is downloaded anew.
  }
}

/** Caches bytes. Where the browser has no space for them, logs that and keeps them in memory. */
export async function keep(
  url: string,
  bytes: Uint8Array,
  { cache, name = NAME }: CacheOptions,
): Promise<void> {
  if (cache === "persistent" && (await stored(url, bytes, name))) inMemory.delete(url);
  else inMemory.set(url, new Uint8Array(bytes));
}

async function stored(url: string, bytes: Uint8Array, name: string): Promise<boolean> {
  const headers = { [SAVED]: new Date().toISOString(), [SIZE]: String(bytes.byteLength) };
  try {
    const cache = await open(name);
    await cache?.put(url, new Response(new Uint8Array(bytes), { headers }));
    return cache !== undefined;
  } catch (error) {
    console.info(`kith: ${url} is not kept for the next visit: ${String(error)}`);
    return false;
  }
}

/** Removes the bytes of a URL from both. */
export async function forget(url: string, name = NAME): Promise<boolean> {
  const removed = inMemory.delete(url);
  try {
    return ((await (await open(name))?.delete(url)) ?? false) || removed;
  } catch {
    return removed; // An address that no cache takes.
  }
}

/** Checkpoints kept for the next visit. */
export const checkpointCache = {
  /** What is kept. */
  async list(name = NAME): Promise<CachedCheckpoint[]> {
    const cache = await open(text("name", name));
    const found = [];
    for (const request of (await cache?.keys().catch(() => [])) ?? []) {
      const headers = (await cache?.match(request))?.headers;
      const savedAt = new Date(headers?.get(SAVED) ?? 0);
      found.push({ url: request.url, bytes: Number(headers?.get(SIZE) ?? 0), savedAt });
    }
    return found;
  },

  /** Whether a URL's checkpoint is kept. Errors: `SETTING` for what is no address. */
  async has(url: string, name = NAME): Promise<boolean> {
    text("url", url);
    const cache = await open(text("name", name));
    // An address that no cache takes is not kept either.
    return (await cache?.match(url).catch(() => undefined)) !== undefined;
  },

  /** Removes one, or all; returns how many were removed. Errors: `SETTING` for what is no address. */
  async delete(url?: string, name = NAME): Promise<number> {
    if (url !== undefined) return (await forget(text("url", url), text("name", name))) ? 1 : 0;
    const listed = (await this.list(name)).map((entry) => entry.url);
    let gone = 0;
    for (const each of new Set([...listed, ...inMemory.keys()])) {
      gone += (await forget(each, name)) ? 1 : 0;
    }
    return gone;
  },

  /** Bytes that this origin uses and may use; 0 where the browser does not say. */
  async estimate(): Promise<{
    /** Bytes in use. */
    usage: number;
    /** Bytes that may be used. */
    quota: number;
  }> {
    const { usage = 0, quota = 0 } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
    return { usage, quota };
  },
};
