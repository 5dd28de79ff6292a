/** Checkpoints that were downloaded before, in the browser's Cache API. */

const NAME = "kith-checkpoints";
const SAVED = "x-kith-saved";
const SIZE = "x-kith-size";

/** What of the cache a download may use. */
export interface Shelf {
  readonly name?: string;
}

async function open(name: string): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open(name);
  } catch {
    return undefined; // No storage here: private windows, file pages.
  }
}

/** The bytes kept of a URL. */
export async function kept(url: string, name = NAME): Promise<Uint8Array | undefined> {
  const response = await (await open(name))?.match(url);
  return response && new Uint8Array(await response.arrayBuffer());
}

/** Keeps bytes; where there is no room for them, says so and goes on without. */
export async function keep(url: string, bytes: Uint8Array, name = NAME): Promise<boolean> {
  const headers = { [SAVED]: new Date().toISOString(), [SIZE]: String(bytes.byteLength) };
  try {
    const cache = await open(name);
    await cache?.put(url, new Response(bytes.slice(), { headers }));
    return cache !== undefined;
  } catch (error) {
    console.info(`kith: ${url} is not kept for the next visit: ${String(error)}`);
    return false;
  }
}

/** Forgets the bytes of a URL. */
export async function forget(url: string, name = NAME): Promise<boolean> {
  return (await (await open(name))?.delete(url)) ?? false;
}

/** Checkpoints kept for the next visit. */
export const checkpointCache = {
  /** What is kept. */
  async list(name = NAME): Promise<{ url: string; bytes: number; savedAt: Date }[]> {
    const cache = await open(name);
    const found = [];
    for (const request of (await cache?.keys()) ?? []) {
      const headers = (await cache?.match(request))?.headers;
      const savedAt = new Date(headers?.get(SAVED) ?? 0);
      found.push({ url: request.url, bytes: Number(headers?.get(SIZE) ?? 0), savedAt });
    }
    return found;
  },

  /** Whether a URL's checkpoint is kept. */
  async has(url: string, name = NAME): Promise<boolean> {
    return (await (await open(name))?.match(url)) !== undefined;
  },

  /** Forgets one, or all; gives how many were forgotten. */
  async delete(url?: string, name = NAME): Promise<number> {
    const urls = url === undefined ? (await this.list(name)).map((entry) => entry.url) : [url];
    let gone = 0;
    for (const each of urls) gone += (await forget(each, name)) ? 1 : 0;
    return gone;
  },

  /** Room that this origin takes and may take, in bytes; 0 where the browser does not say. */
  async estimate(): Promise<{ usage: number; quota: number }> {
    const { usage = 0, quota = 0 } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
    return { usage, quota };
  },
};
