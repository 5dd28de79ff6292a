/** What can go wrong, with a stable code and what to do about it. */
import type { ErrorCode } from "./types.js";

const HINTS: Readonly<Record<ErrorCode, string>> = {
  NO_WEBGPU: "Pass device: 'auto' or 'cpu' to compute on the CPU.",
  DEVICE_LOST: "The GPU was taken away. Try again; it is rebuilt, or the CPU takes over.",
  OUT_OF_MEMORY: "Use a smaller batchSize, fewer pictures at a time, or a smaller encoder.",
  SELF_TEST_FAILED: "This GPU computes wrong numbers. Pass device: 'auto' or 'cpu'.",
  WASM_FETCH: "Copy the .wasm files beside the script, or pass wasmUrl.",
  WASM_COMPILE:
    "Serve the .wasm file unchanged; a current browser with WebAssembly SIMD is needed.",
  WASM_PANIC:
    "This is a bug in kith; the next call starts afresh. Please report it with its message.",
  WORKER_START: "Pass workerUrl or worker; a content security policy needs worker-src.",
  CHECKPOINT_HTTP: "Check the URL, the network, and that the server allows this origin.",
  CHECKPOINT_FORMAT:
    "Expected a .safetensors file, whole: a checkpoint of kith's, or the weights of an encoder that it knows.",
  CHECKPOINT_ARCH: "The checkpoint is of a newer kith; update kith-web.",
  NO_ENCODER:
    "Expected weights of an encoder that kith knows, all of its tensors among them; docs/importing.md lists them.",
  UNTOLD: "Pass what the message names: loadEncoder(source, { import: { … } }).",
  INTEGRITY: "The file is not the one expected; download it again or correct the hash.",
  IMAGE_DECODE: "Use a picture that the browser can show (PNG, JPEG, WebP, GIF, AVIF).",
  OTHER_RUN:
    "Pass the pictures and labels that the run began with, in their order, or start a new run.",
  RECORD: "Use a record, or a link, that kith or kith-web made, whole and unchanged.",
  DIM_MISMATCH: "Use embeddings of one and the same encoder.",
  ENCODER_MISMATCH: "Load the encoder it was made with, or pass force: true.",
  FILE_FORMAT: "Open a file that kith-web saved, complete and unchanged.",
  TOO_FEW_EXAMPLES: "Add pictures, or lower the batch.",
  SETTING: "Correct the setting that the message names.",
  DIVERGED: "Lower the learning rate, or check the pictures.",
  GPU_ERROR: "The GPU refused work; the numbers cannot be trusted. Pass device: 'cpu'.",
  BUSY: "Wait for the call before it.",
  ABORTED: "The caller asked for it.",
  DISPOSED: "Load it again.",
};

/** An error of kith-web. Its `code` is stable; its message says what was expected and what came. */
export class KithError extends Error {
  /** What kind of failure, by a name that stays. */
  readonly code: ErrorCode;
  /** What to do. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options?: { hint?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "KithError";
    this.code = code;
    this.hint = options?.hint ?? HINTS[code];
  }
}

/** An invalid setting in a file is an error of the file, not of the caller. */
export function asFileError(error: unknown): never {
  if (error instanceof KithError && error.code === "SETTING") {
    throw new KithError("CHECKPOINT_FORMAT", error.message, { cause: error });
  }
  throw error;
}

/** Throws `ABORTED` if the signal was aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

/** Waits for work until the signal is aborted; what comes later is dropped. */
export async function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  // Its result is not used after an abort; without this, its error would be reported as unhandled.
  work.catch(() => {});
  throwIfAborted(signal);
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(aborted(signal));
    signal.addEventListener("abort", stop, { once: true });
    work.finally(() => signal.removeEventListener("abort", stop)).then(resolve, reject);
  });
}

function aborted(signal: AbortSignal): KithError {
  return new KithError("ABORTED", "the call was aborted", { cause: signal.reason });
}

/** Codes of the core that have another name in the package. */
const FROM_CORE: Readonly<Record<string, ErrorCode>> = {
  NOT_SAFETENSORS: "CHECKPOINT_FORMAT",
  NOT_KITH: "CHECKPOINT_FORMAT",
  METADATA: "CHECKPOINT_FORMAT",
  OTHER_IMAGES: "OTHER_RUN",
  MISSING_TENSOR: "CHECKPOINT_FORMAT",
  TENSOR_SHAPE: "CHECKPOINT_FORMAT",
  TENSOR_TYPE: "CHECKPOINT_FORMAT",
  NOT_FINITE: "CHECKPOINT_FORMAT",
  HALF_OVERFLOW: "SETTING",
  VERSION: "CHECKPOINT_ARCH",
  ARCHITECTURE: "CHECKPOINT_ARCH",
  SAMPLES: "IMAGE_DECODE",
  PIXEL_COUNT: "DIM_MISMATCH",
  PICTURE_SIZE: "DIM_MISMATCH",
  DIMENSION: "DIM_MISMATCH",
  TOO_FEW: "TOO_FEW_EXAMPLES",
  RECIPE: "SETTING",
  DEVICE: "GPU_ERROR",
  NO_ADAPTER: "NO_WEBGPU",
  DEVICE_REQUEST: "NO_WEBGPU",
};

/** Begins the name of an error that carries a code from a worker to the page. */
export const CODED = "kith:";

/** The package's error for whatever was thrown in the backend, or on the way there. */
export function fromBackend(thrown: unknown): KithError {
  if (thrown instanceof KithError) return thrown;
  const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
  // An argument that cannot be sent never arrives: nothing has happened in the backend.
  if (name === "DataCloneError") {
    const said = `an argument cannot be handed to the worker: ${message}`;
    return new KithError("SETTING", said, { cause: thrown });
  }
  if (name.startsWith(CODED)) {
    const code = name.slice(CODED.length);
    return new KithError(FROM_CORE[code] ?? (code as ErrorCode), message, { cause: thrown });
  }
  const memory =
    /out of memory|capacity overflow|allocation (failed|size)|RangeError: (Array buffer|Invalid typed)/i;
  const code = memory.test(`${name}: ${message}`) ? "OUT_OF_MEMORY" : "WASM_PANIC";
  return new KithError(code, message, { cause: thrown });
}
