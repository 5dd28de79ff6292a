import type { FallbackReason, Told } from "./generated.js";

export type * from "./clean-up-types.js";
export type * from "./labelling-types.js";
export type * from "./training-types.js";
export type {
  Agreement,
  AugmentationOp,
  Better,
  Clusters,
  Dtype,
  EncoderInfo,
  FallbackReason,
  Filter,
  Found,
  ImportReport,
  Measures,
  Metric,
  Plan,
  Platform,
  ProbeWeights,
  RecipeInfo,
  RunRecord,
  Resize,
  Shown,
  Stage,
  Unit,
} from "./generated.js";

/** What the caller asks for: `auto` prefers WebGPU and falls back to the CPU, `webgpu` fails without it. */
export type Device = "auto" | "webgpu" | "cpu";

/** Which device computes, and why. */
export interface DeviceReport {
  /** What the caller asked for. */
  readonly requested: Device;
  /** What computes. */
  readonly actual: "webgpu" | "cpu";
  /** Set whenever `actual` is not WebGPU. */
  readonly reason?: FallbackReason;
  /** What the browser or the driver said, for people. */
  readonly detail?: string;
  /** The adapter that the browser gave, also where it is not used. */
  readonly adapter?: {
    /** Who made it; empty where the browser does not say. */
    readonly vendor: string;
    /** Its family, likewise. */
    readonly architecture: string;
    /** Its name, likewise. */
    readonly description: string;
    /** A software adapter: right, but slow. */
    readonly isFallback: boolean;
  };
  /** What the adapter allows. */
  readonly limits?: {
    /** Bytes of one buffer, at most. */
    readonly maxBufferSize: number;
    /** Bytes of a buffer that a shader sees, at most. */
    readonly maxStorageBufferBindingSize: number;
  };
  /** WebGPU's names of what the adapter can do, sorted. */
  readonly features?: readonly string[];
  /** What came of a tiny pass with a known result: forward, and backward once something is trained. */
  readonly selfTest?: {
    /** Whether the deviation is small enough. */
    readonly passed: boolean;
    /** Largest relative deviation from the known result. */
    readonly deviation: number;
    /** How long it took, in milliseconds. */
    readonly ms: number;
  };
}

/** Where bytes can come from. */
export type ByteSource =
  string | URL | Request | Response | Blob | ArrayBuffer | Uint8Array | FileSystemFileHandle;

/** How far a long call is. */
export interface Progress {
  /** What is being done. */
  readonly phase:
    "wasm" | "checkpoint" | "upload" | "warmup" | "embed" | "index" | "train" | "project";
  /** What is being loaded. */
  readonly file?: string;
  /** Bytes, or items. */
  readonly loaded: number;
  /** null where it is not known. */
  readonly total: number | null;
  /** Of the whole call, in [0, 1]; never falls; null where it is not known. */
  readonly fraction: number | null;
  /** Whether what is being loaded was kept from before. */
  readonly fromCache: boolean;
}

/** What every long call takes. */
export interface CallOptions {
  /** Ends the call with `ABORTED`. */
  readonly signal?: AbortSignal;
  /** Hears how far the call is. What it throws ends the call with `SETTING`. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How the backend is loaded, and on which device it computes. */
export interface EngineOptions extends CallOptions {
  /** Default `auto`. */
  readonly device?: Device;
  /** A software adapter counts as WebGPU. Default false: on the same processor the CPU path is many times faster. */
  readonly allowSoftware?: boolean;
  /** Makes the worker, for odd bundlers and policies. Node computes in place. */
  readonly worker?: () => Worker;
  /**
   * Where the WebAssembly lies, if not beside the script: a folder with the files that {@link wasmFile}
   * names, or one URL for each device.
   */
  readonly wasmUrl?:
    | string
    | URL
    | {
        /** Address of `kith_cpu_bg.wasm`, or of `kith_cpu_relaxed_bg.wasm` where the browser runs it. */
        readonly cpu?: string | URL;
        /** Address of `kith_webgpu_bg.wasm`. */
        readonly webgpu?: string | URL;
      };
  /** Address of `worker.js`, if it does not lie beside the script. */
  readonly workerUrl?: string | URL;
  /** Fetches checkpoints and pictures in place of the page's own `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface LoadOptions extends EngineOptions {
  /**
   * Default `persistent`: the Cache API; where it has no space, memory. A URL that is cached is not
   * fetched again: a checkpoint that changes needs a new URL, `integrity`, or `none`.
   */
  readonly cache?: "persistent" | "memory" | "none";
  /** Name of the cache in the Cache API. Default `kith-checkpoints`. */
  readonly cacheName?: string;
  /** Like a script's: `sha256-…` in base64. */
  readonly integrity?: string;
  /** Runs one picture through the encoder while loading, so that the first call is not the slow one. Default true. */
  readonly warmup?: boolean;
  /**
   * The most workers that share the pictures of one long call on the CPU, each with the weights and a
   * batch's maps in memory. They start when a call takes long and stay until `dispose`; the results are
   * the same to the bit. Default: one for each core, at most 4. Node computes in place.
   */
  readonly workers?: number;
  /** What a safetensors file of other software's does not say itself. A checkpoint of kith's says all. */
  readonly import?: ImportOptions;
}

/** What a file of weights does not say itself, by the names that `kith import` has for it. */
export interface ImportOptions extends Omit<Told, "set"> {
  /** Changes to the encoder that was found: `{ 'encoder.pool': 'cls_mean' }`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
}

/** Pixels of one picture: RGB or RGBA rows, one byte a sample. */
export interface RawImage {
  /** Samples in [0, 255], row by row, `[height, width, channels]`. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** In pixels, at least 1; `width * height` is at most 2^28. */
  readonly width: number;
  /** In pixels, at least 1. */
  readonly height: number;
  /** 3: RGB. 4: RGBA; what is transparent is laid over white. */
  readonly channels: 3 | 4;
}

/**
 * A picture, in any form that a page has it in; a string is an address. What is none is `IMAGE_DECODE`,
 * and so is an element of another origin that the browser does not let be read.
 */
export type ImageInput =
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLVideoElement
  | VideoFrame
  | Blob
  | string
  | URL
  | RawImage;

/** One picture, several, or a stream of them. */
export type Images =
  ImageInput | readonly ImageInput[] | Iterable<ImageInput> | AsyncIterable<ImageInput>;

/** Of what a nearest-neighbour search found for one query: one neighbour. */
export interface Neighbor {
  /** As it was given to `add`, or the number of pictures added before. */
  readonly id: string;
  /** Its place in the index, from 0. */
  readonly index: number;
  /** Cosine in [-1, 1]; with the metric `l2`, the negative distance. */
  readonly similarity: number;
  /** Its label, if it has one. */
  readonly label?: string;
}

/** A class, and the probability that a picture is of it. */
export interface ClassShare {
  /** The class. */
  readonly label: string;
  /** In [0, 1]; those of all classes add up to 1. */
  readonly probability: number;
}

/** A checkpoint that is kept for the next visit. */
export interface CachedCheckpoint {
  /** Where it came from. */
  url: string;
  /** Its size. */
  bytes: number;
  /** When it was kept. */
  savedAt: Date;
}

/** Stable names of what can go wrong. */
export type ErrorCode =
  | "NO_WEBGPU"
  | "DEVICE_LOST"
  | "OUT_OF_MEMORY"
  | "SELF_TEST_FAILED"
  | "WASM_FETCH"
  | "WASM_COMPILE"
  | "WASM_PANIC"
  | "WORKER_START"
  | "CHECKPOINT_HTTP"
  | "CHECKPOINT_FORMAT"
  | "CHECKPOINT_ARCH"
  | "NO_ENCODER"
  | "UNTOLD"
  | "INTEGRITY"
  | "IMAGE_DECODE"
  | "OTHER_RUN"
  | "RECORD"
  | "DIM_MISMATCH"
  | "ENCODER_MISMATCH"
  | "FILE_FORMAT"
  | "TOO_FEW_EXAMPLES"
  | "SETTING"
  | "DIVERGED"
  | "GPU_ERROR"
  | "BUSY"
  | "ABORTED"
  | "DISPOSED";
