/** Opening a checkpoint: its bytes, what it says of itself, and an encoder of it. */
import { bring, nameOf, type Brought } from "./bytes.js";
import { Encoder } from "./encoder.js";
import type { EngineRef } from "./engine-ref.js";
import { openEngine } from "./engine.js";
import { KithError, ofFile, unlessAborted } from "./errors.js";
import { Progressing } from "./progress.js";
import { RemoteObject } from "./remote-object.js";
import { engineOptions, flag, oneOf, text } from "./setting.js";
import { MOST_SIDE } from "./squares.js";
import type { ByteSource, EncoderInfo, LoadOptions } from "./types.js";
import { ENGINE, type WasmEncoder } from "./wasm-module.js";

/**
 * Loads a checkpoint that kith wrote.
 *
 * What was kept of an address and is no checkpoint is fetched anew; only what opens is kept.
 *
 * Errors: `SETTING`, `NO_WEBGPU` and `SELF_TEST_FAILED` if WebGPU alone will do, `WASM_FETCH`, `WASM_COMPILE`,
 * `WORKER_START`, `CHECKPOINT_HTTP`, `CHECKPOINT_FORMAT`, `CHECKPOINT_ARCH`, `INTEGRITY`, `ABORTED`.
 */
export async function loadEncoder(source: ByteSource, options: LoadOptions = {}): Promise<Encoder> {
  checkOptions(options);
  const shares = { wasm: 0.45, checkpoint: 0.35, upload: 0.05, warmup: 0.15 };
  const progress = new Progressing(options.onProgress, shares);
  const loading = load(source, options, progress);
  try {
    return await unlessAborted(loading, options.signal);
  } catch (error) {
    // What arrives after the caller has left must not stay behind.
    loading.then(
      (encoder) => encoder.dispose(),
      () => {},
    );
    throw error;
  }
}

function checkOptions(options: LoadOptions): void {
  const { cache, cacheName, integrity, warmup } = engineOptions(options);
  if (cache !== undefined) oneOf("cache", cache, ["persistent", "memory", "none"]);
  if (cacheName !== undefined) text("cacheName", cacheName);
  if (integrity !== undefined) text("integrity", integrity);
  if (warmup !== undefined) flag("warmup", warmup);
}

async function load(
  source: ByteSource,
  options: LoadOptions,
  progress: Progressing,
): Promise<Encoder> {
  const file = nameOf(source);
  const engine = await openEngine(options, (loaded, total) => progress.at("wasm", loaded, total));
  try {
    const brought = () =>
      bring(source, options, (loaded, total, fromCache) =>
        progress.at("checkpoint", loaded, total, { file, fromCache }),
      );
    const { remote, info } = await openedAnew(engine, brought, ({ byteLength }, part) =>
      progress.at("upload", part * byteLength, byteLength, { file }),
    );
    const encoder = new Encoder(remote, info, options.fetch);
    if (options.warmup ?? true) await encoder.warm();
    progress.at("warmup", 1, 1);
    return encoder;
  } catch (error) {
    engine.release();
    throw error;
  }
}

type Uploaded = (bytes: Uint8Array, part: 0 | 1) => void;

interface Opened {
  readonly remote: RemoteObject<WasmEncoder>;
  readonly info: EncoderInfo;
}

/** A checkpoint in the backend. If the cached bytes do not open, they are fetched anew. */
async function openedAnew(
  engine: EngineRef,
  brought: () => Promise<Brought>,
  told: Uploaded,
): Promise<Opened> {
  const first = await brought();
  try {
    return await opened(engine, first, told);
  } catch (error) {
    const foreign = error instanceof KithError && error.code.startsWith("CHECKPOINT");
    if (!foreign || !first.fromCache) throw error;
    await first.forget();
    return opened(engine, await brought(), told);
  }
}

async function opened(
  engine: EngineRef,
  { bytes, keep }: Brought,
  told: Uploaded,
): Promise<Opened> {
  told(bytes, 0);
  let info!: EncoderInfo;
  const remote = new RemoteObject(engine, async () => {
    const handle = await engine.invoke(ENGINE, "encoder", [bytes]).catch(ofFile);
    info = await engine.invoke(handle, "info", []);
    if (info.imageSize > MOST_SIDE) throw tooLarge(info.imageSize);
    return handle;
  });
  await remote.ready();
  told(bytes, 1);
  await keep();
  return { remote, info };
}

function tooLarge(side: number): KithError {
  const message = `expected pictures of at most ${MOST_SIDE} pixels a side, got ${side}`;
  return new KithError("CHECKPOINT_FORMAT", message);
}
