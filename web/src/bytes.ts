/** Bytes from wherever they lie: memory, a file, a URL, the cache of an earlier visit. */
import { forget, keep, kept } from "./cache.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import type { ByteSource, LoadOptions } from "./types.js";
import { counted, sizeOf, type OnBytes } from "./wasm.js";

type BytesOptions = Pick<LoadOptions, "signal" | "cache" | "cacheName" | "integrity" | "fetch">;

/** Told of bytes that came, and whether they were kept from before. */
export type OnSourceBytes = (...args: [...Parameters<OnBytes>, fromCache: boolean]) => void;

/** Set by the Node entry: paths and file URLs. */
export const files: { read?: (path: string | URL) => Promise<Uint8Array> } = {};

/** All bytes of a source. Errors: `CHECKPOINT_HTTP`, `INTEGRITY`, `ABORTED`. */
export async function bytesFrom(
  source: ByteSource,
  options: BytesOptions = {},
  onBytes: OnSourceBytes = () => {},
): Promise<Uint8Array> {
  throwIfAborted(options.signal);
  const bytes = await unlessAborted(gathered(source, options, onBytes), options.signal);
  await verify(bytes, options.integrity, nameOf(source));
  return bytes;
}

/** What to call a source in messages. */
export function nameOf(source: ByteSource): string {
  if (typeof source === "string") return source;
  if (source instanceof URL) return source.href;
  const { url, name } = source as { url?: unknown; name?: unknown };
  return (
    ([url, name].find((word) => typeof word === "string" && word !== "") as string) ??
    "bytes in memory"
  );
}

async function gathered(
  source: ByteSource,
  options: BytesOptions,
  onBytes: OnSourceBytes,
): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.slice();
  if (source instanceof ArrayBuffer) return new Uint8Array(source.slice(0));
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof Response) return body(source, source.url || "the response", onBytes);
  if (typeof source === "object" && "getFile" in source) {
    return gathered(await source.getFile(), options, onBytes);
  }
  if (source instanceof Request) return download(source, options, onBytes);
  if (files.read && !/^(https?|data|blob):/.test(String(source))) return files.read(source);
  const url = new URL(source, globalThis.location?.href).href;
  return /^https?:/.test(url) ? cached(url, options, onBytes) : download(url, options, onBytes);
}

/** Bytes of this page's lifetime, for `cache: 'memory'` and where the browser keeps nothing. */
const inMemory = new Map<string, Uint8Array>();

async function cached(
  url: string,
  options: BytesOptions,
  onBytes: OnSourceBytes,
): Promise<Uint8Array> {
  const where = options.cache ?? "persistent";
  if (where === "none") return download(url, options, onBytes);
  const before =
    inMemory.get(url) ?? (where === "persistent" ? await kept(url, options.cacheName) : undefined);
  if (before && (await intact(before, options.integrity))) {
    onBytes(before.byteLength, before.byteLength, true);
    return before.slice();
  }
  if (before) await forget(url, options.cacheName);
  const bytes = await download(url, options, onBytes);
  await verify(bytes, options.integrity, url);
  const persists = where === "persistent" && (await keep(url, bytes, options.cacheName));
  if (persists) inMemory.delete(url);
  else inMemory.set(url, bytes.slice());
  return bytes;
}

async function download(
  from: string | Request,
  options: BytesOptions,
  onBytes: OnSourceBytes,
): Promise<Uint8Array> {
  const url = typeof from === "string" ? from : from.url;
  const get = options.fetch ?? globalThis.fetch;
  try {
    const signal = options.signal ? { signal: options.signal } : {};
    return await body(await get(from, signal), url, onBytes);
  } catch (cause) {
    throwIfAborted(options.signal);
    if (cause instanceof KithError) throw cause;
    throw new KithError("CHECKPOINT_HTTP", `${url} cannot be fetched: ${String(cause)}`, { cause });
  }
}

async function body(response: Response, url: string, onBytes: OnSourceBytes): Promise<Uint8Array> {
  if (!response.ok) {
    throw new KithError("CHECKPOINT_HTTP", `${url}: expected a file, got HTTP ${response.status}`);
  }
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("text/html")) {
    throw new KithError("CHECKPOINT_HTTP", `${url}: expected a file, got a page (${type})`);
  }
  const told: OnBytes = (loaded, total) => onBytes(loaded, total, false);
  const stream = response.body?.pipeThrough(counted(told, sizeOf(response)));
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
