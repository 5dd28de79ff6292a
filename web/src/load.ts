/** Opening a file of weights: its bytes, what it says of itself, and an encoder of it. */
import { loadBytes, nameOf, type LoadedBytes } from "./bytes.js";
import { Crew } from "./crew.js";
import { Encoder } from "./encoder.js";
import type { EngineRef } from "./engine-ref.js";
import { openEngine } from "./engine.js";
import { KithError, asFileError, unlessAborted } from "./errors.js";
import { toldOf } from "./import-options.js";
import { ProgressReporter } from "./progress.js";
import type { Make } from "./near.js";
import { RemoteObject } from "./remote-object.js";
import { engineOptions, flag, oneOf, text, whole } from "./checks.js";
import { MOST_SIDE } from "./squares.js";
import type { Told } from "./generated.js";
import type { ByteSource, EncoderInfo, LoadOptions } from "./types.js";
import { ENGINE, type WasmEncoder } from "./wasm-module.js";

/**
 * Loads a checkpoint of kith's, or a safetensors file of torchvision's, timm's, Meta's DINOv2,
 * transformers' Dinov2 and others whose encoder is known by its names and shapes. `info.imported` says
 * what was taken of such a file; `import` says what it does not say itself.
 *
 * Cached bytes that hold no encoder are fetched again; only what opens is cached.
 *
 * Errors: `NO_ENCODER` for weights of anything else, `UNTOLD` naming what `import` has to say,
 * `CHECKPOINT_FORMAT` for other files, also PyTorch's, naming the command that makes a checkpoint of
 * them; `SETTING`, `NO_WEBGPU` and `SELF_TEST_FAILED` if WebGPU alone will do, `WASM_FETCH`, `WASM_COMPILE`,
 * `WORKER_START`, `CHECKPOINT_HTTP`, `CHECKPOINT_ARCH`, `INTEGRITY`, `ABORTED`.
 */
export async function loadEncoder(source: ByteSource, options: LoadOptions = {}): Promise<Encoder> {
  const told = checkedOptions(options);
  const shares = { wasm: 0.45, checkpoint: 0.35, upload: 0.05, warmup: 0.15 };
  const progress = new ProgressReporter(options.onProgress, shares);
  const loading = load(source, options, { told, progress });
  try {
    return await unlessAborted(loading, options.signal);
  } catch (error) {
    // An encoder that arrives after the abort must not stay in memory.
    loading.then(
      (encoder) => encoder.dispose(),
      () => {},
    );
    throw error;
  }
}

function checkedOptions(options: LoadOptions): Told | undefined {
  const { cache, cacheName, integrity, warmup, workers } = engineOptions(options);
  if (cache !== undefined) oneOf("cache", cache, ["persistent", "memory", "none"]);
  if (cacheName !== undefined) text("cacheName", cacheName);
  if (integrity !== undefined) text("integrity", integrity);
  if (warmup !== undefined) flag("warmup", warmup);
  if (workers !== undefined) whole("workers", workers, 1);
  return toldOf(options.import);
}

async function load(
  source: ByteSource,
  options: LoadOptions,
  { told, progress }: { told: Told | undefined; progress: ProgressReporter },
): Promise<Encoder> {
  const file = nameOf(source);
  const engine = await openEngine(options, "inference", (loaded, total) =>
    progress.at("wasm", loaded, total),
  );
  try {
    const fetched = () =>
      loadBytes(source, options, (loaded, total, fromCache) =>
        progress.at("checkpoint", loaded, total, { file, fromCache }),
      );
    const onUpload: OnUpload = ({ byteLength }, part) =>
      progress.at("upload", part * byteLength, byteLength, { file });
    const { make, remote, info } = await openedAnew(engine, fetched, { file, told, onUpload });
    const encoder = new Encoder(new Crew(remote, make, options.workers), info, options.fetch);
    if (options.warmup ?? true) await encoder.warm();
    progress.at("warmup", 1, 1);
    return encoder;
  } catch (error) {
    engine.release();
    throw error;
  }
}

type OnUpload = (bytes: Uint8Array, part: 0 | 1) => void;

/** What is said of a file besides its bytes, and who hears how far it is. */
interface Described {
  /** What to call it. */
  readonly file: string;
  readonly told: Told | undefined;
  readonly onUpload: OnUpload;
}

interface Opened {
  readonly make: Make<WasmEncoder>;
  readonly remote: RemoteObject<WasmEncoder>;
  readonly info: EncoderInfo;
}

/** An encoder in the backend. If the cached bytes do not open, they are fetched anew. */
async function openedAnew(
  engine: EngineRef,
  fetched: () => Promise<LoadedBytes>,
  described: Described,
): Promise<Opened> {
  const first = await fetched();
  try {
    return await opened(engine, first, described);
  } catch (error) {
    const foreign = error instanceof KithError && /^CHECKPOINT|^NO_ENCODER/.test(error.code);
    if (!foreign || !first.fromCache) throw error;
    await first.forget();
    return opened(engine, await fetched(), described);
  }
}

async function opened(
  engine: EngineRef,
  { bytes, keep }: LoadedBytes,
  { file, told, onUpload }: Described,
): Promise<Opened> {
  onUpload(bytes, 0);
  let info!: EncoderInfo;
  const make: Make<WasmEncoder> = async (invoker) => {
    const opening = invoker.invoke(ENGINE, "encoder", [bytes, file, told]);
    // What the caller said may be wrong; where nothing was said, it is the file.
    const handle = await (told ? opening : opening.catch(asFileError));
    info = await invoker.invoke(handle, "info", []);
    if (info.imageSize > MOST_SIDE) throw tooLarge(info.imageSize);
    return handle;
  };
  const remote = new RemoteObject(engine, make, bytes.byteLength);
  await remote.ready();
  onUpload(bytes, 1);
  await keep();
  return { make, remote, info };
}

function tooLarge(side: number): KithError {
  const message = `expected pictures of at most ${MOST_SIDE} pixels a side, got ${side}`;
  return new KithError("CHECKPOINT_FORMAT", message);
}
