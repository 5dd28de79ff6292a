/** Bytes from wherever they lie: memory, a file, a URL, the cache of an earlier visit. */
import { cachedBytes, forget, keep, type CacheOptions } from "./cache.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import { readFile } from "./platform.js";
import { kindOf, describe } from "./describe.js";
import type { ByteSource, LoadOptions } from "./types.js";
import { counted, sizeOf, type OnBytes } from "./wasm.js";

type BytesOptions = Pick<LoadOptions, "signal" | "cache" | "cacheName" | "integrity" | "fetch">;

/** Called with the bytes that have come, and whether they are from the cache. */
export type OnSourceBytes = (...args: [...Parameters<OnBytes>, fromCache: boolean]) => void;

/** Bytes of their own memory, and what can be done about them in the cache. */
export interface LoadedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly fromCache: boolean;
  /** Puts them into the cache; to be called once they are known to be valid. */
  keep(): Promise<void>;
  /** Removes them from the cache. */
  forget(): Promise<void>;
}

const CHOSEN = "The file changed or is gone since it was chosen: choose it again.";

/**
 * All bytes of a source. Errors: `CHECKPOINT_FORMAT` for what is no source, `CHECKPOINT_HTTP`,
 * `INTEGRITY`, `ABORTED`.
 */
export async function loadBytes(
  source: ByteSource,
  options: BytesOptions = {},
  onBytes: OnSourceBytes = () => {},
): Promise<LoadedBytes> {
  throwIfAborted(options.signal);
  const loaded = await unlessAborted(readSource(source, options, onBytes), options.signal);
  await verify(loaded.bytes, options.integrity, nameOf(source));
  return loaded;
}

/** All bytes of a file that kith-web saved. Errors: `FILE_FORMAT`, `CHECKPOINT_HTTP`. */
export async function savedBytes(source: ByteSource): Promise<Uint8Array> {
  try {
    return (await loadBytes(source, { cache: "none" })).bytes;
  } catch (error) {
    const foreign = error instanceof KithError && error.code === "CHECKPOINT_FORMAT";
    throw foreign ? new KithError("FILE_FORMAT", error.message, { cause: error }) : error;
  }
}

/** What to call a source in messages. */
export function nameOf(source: ByteSource): string {
  if (typeof source === "string") return source;
  if (source instanceof URL) return source.href;
  const { url, name } = (source ?? {}) as { url?: unknown; name?: unknown };
  return (
    ([url, name].find((word) => typeof word === "string" && word !== "") as string) ??
    "bytes in memory"
  );
}

async function readSource(
  source: ByteSource,
  options: BytesOptions,
  onBytes: OnSourceBytes,
): Promise<LoadedBytes> {
  if (typeof source === "string" || source instanceof URL) {
    return addressed(source, options, onBytes);
  }
  if (ArrayBuffer.isView(source) || /^(Shared)?ArrayBuffer$/.test(kindOf(source))) {
    return uncached(copyOf(source as Uint8Array | ArrayBuffer));
  }
  if (source instanceof Blob) return uncached(await fileBytes(source));
  if (source instanceof Response) {
    const name = source.url || "the response";
    return uncached(await reading(name, () => body(source, name, onBytes)));
  }
  if (source instanceof Request) return uncached(await download(source, options, onBytes));
  const handle = source as FileSystemFileHandle | null;
  if (typeof handle?.getFile === "function") {
    const file = await reading(handle.name || "the file", () => handle.getFile(), CHOSEN);
    if (file instanceof Blob) return uncached(await fileBytes(file));
  }
  const expected = "a URL, a Response, a Request, a File, a Blob, a file handle or bytes";
  throw new KithError("CHECKPOINT_FORMAT", `expected ${expected}, got ${describe(source)}`, {
    hint: "Pass where the file lies, or its bytes.",
  });
}

/** Bytes that are never cached. */
function uncached(bytes: Uint8Array<ArrayBuffer>): LoadedBytes {
  const nothing = async (): Promise<void> => {};
  return { bytes, fromCache: false, keep: nothing, forget: nothing };
}

/** A copy, whatever view it is: `slice` of Node's Buffer is none. */
function copyOf(source: ArrayBufferView | ArrayBufferLike): Uint8Array<ArrayBuffer> {
  try {
    const view = ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source);
    return new Uint8Array(view);
  } catch (cause) {
    const message = `the bytes cannot be read: ${describe(cause)}`;
    const hint = "Bytes that were transferred to a worker are gone here: pass a copy.";
    throw new KithError("CHECKPOINT_FORMAT", message, { cause, hint });
  }
}

async function fileBytes(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const name = file instanceof File ? file.name : "the file";
  return new Uint8Array(await reading(name, () => file.arrayBuffer(), CHOSEN));
}

/** Whatever goes wrong while bytes are read, as `CHECKPOINT_HTTP`. */
async function reading<T>(name: string, work: () => Promise<T>, hint?: string): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof KithError) throw cause;
    const message = `${name} cannot be read: ${describe(cause)}`;
    throw new KithError("CHECKPOINT_HTTP", message, { cause, ...(hint ? { hint } : {}) });
  }
}

async function addressed(
  source: string | URL,
  options: BytesOptions,
  onBytes: OnSourceBytes,
): Promise<LoadedBytes> {
  if (readFile && !/^(https?|data|blob):/.test(String(source))) {
    return uncached(new Uint8Array(await readFile(source)));
  }
  const url = await reading(String(source), async () => {
    return new URL(source, globalThis.location?.href).href;
  });
  const fresh = () => download(url, options, onBytes);
  return /^https?:/.test(url) ? cached(url, options, onBytes) : uncached(await fresh());
}

async function cached(
  url: string,
  options: BytesOptions,
  onBytes: OnSourceBytes,
): Promise<LoadedBytes> {
  const { cache = "persistent", cacheName, integrity } = options;
  if (cache === "none") return uncached(await download(url, options, onBytes));
  const where: CacheOptions = { cache, ...(cacheName === undefined ? {} : { name: cacheName }) };
  const gone = async (): Promise<void> => void (await forget(url, cacheName));
  const before = await cachedBytes(url, where);
  if (before && (await intact(before, integrity))) {
    onBytes(before.byteLength, before.byteLength, true);
    return { bytes: before, fromCache: true, keep: async () => {}, forget: gone };
  }
  if (before) await gone();
  const bytes = await download(url, options, onBytes);
  return { bytes, fromCache: false, keep: () => keep(url, bytes, where), forget: gone };
}

async function download(
  from: string | Request,
  options: BytesOptions,
  onBytes: OnSourceBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  const url = typeof from === "string" ? from : from.url;
  const get = options.fetch ?? globalThis.fetch;
  try {
    const signal = options.signal ? { signal: options.signal } : {};
    return await body(await get(from, signal), url, onBytes);
  } catch (cause) {
    throwIfAborted(options.signal);
    if (cause instanceof KithError) throw cause;
    throw new KithError("CHECKPOINT_HTTP", `${url} cannot be fetched: ${describe(cause)}`, {
      cause,
    });
  }
}

async function body(
  response: Response,
  url: string,
  onBytes: OnSourceBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!response.ok) {
    throw new KithError("CHECKPOINT_HTTP", `${url}: expected a file, got HTTP ${response.status}`);
  }
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("text/html")) {
    throw new KithError("CHECKPOINT_HTTP", `${url}: expected a file, got a page (${type})`);
  }
  if (response.bodyUsed || response.body?.locked) {
    const hint = "Pass a response that nobody has read, or the clone() taken before.";
    throw new KithError("CHECKPOINT_HTTP", `${url} was read before`, { hint });
  }
  const count: OnBytes = (loaded, total) => onBytes(loaded, total, false);
  const stream = response.body?.pipeThrough(counted(count, sizeOf(response)));
  return new Uint8Array(await new Response(stream ?? null).arrayBuffer());
}

async function intact(bytes: Uint8Array, integrity: string | undefined): Promise<boolean> {
  return integrity === undefined || (await digest(bytes)) === integrity;
}

async function verify(
  bytes: Uint8Array,
  integrity: string | undefined,
  name: string,
): Promise<void> {
  if (await intact(bytes, integrity)) return;
  const got = await digest(bytes);
  throw new KithError("INTEGRITY", `${name}: expected ${integrity}, got ${got}`);
}

async function digest(bytes: Uint8Array): Promise<string> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) {
    const message = "integrity cannot be checked on a page that is not secure (https or localhost)";
    throw new KithError("INTEGRITY", message, { hint: "Serve the page by https." });
  }
  const hash = new Uint8Array(await subtle.digest("SHA-256", bytes.slice()));
  return `sha256-${btoa(String.fromCharCode(...hash))}`;
}
