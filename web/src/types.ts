import type { FallbackReason, Told } from "./generated.js";
import type { LinearProbe } from "./probe.js";

export type {
  AugmentationOp,
  Clusters,
  EncoderInfo,
  Better,
  Dtype,
  FallbackReason,
  Filter,
  Found,
  ImportReport,
  Measures,
  Metric,
  Plan,
  ProbeWeights,
  RecipeInfo,
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
  /** What came of a tiny forward and backward pass with a known result. */
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
  /** Where the WebAssembly lies, if not beside the script: a folder, or one URL for each device. */
  readonly wasmUrl?:
    | string
    | URL
    | {
        /** Address of `kith_cpu_bg.wasm`. */
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

/**
 * Settings of a linear probe: logistic regression on standardised embeddings, at the minimum of the mean
 * cross-entropy plus `strength / 2` times the sum of squared weights.
 */
export interface ProbeConfig {
  /**
   * Strength of the penalty, above 0. Default: chosen by five-fold cross-validation among half powers of
   * ten from 1 to 1e-5 (of more than 5,000 pictures, a fifth is predicted once).
   */
  readonly strength?: number;
  /**
   * Share of the pictures kept aside to measure on, in [0, 0.9]; drawn class by class. Default 0: all
   * pictures teach, and the report is of what cross-validation says of them.
   */
  readonly validationSplit?: number;
  /** `balanced`: every class weighs the same whatever its number of pictures. Default `none`. */
  readonly classWeights?: "balanced" | "none";
  /** Draws the validation pictures. Default 0. */
  readonly seed?: number;
}

/** What a strength of the penalty gave on pictures that took turns in being kept aside. */
export interface ProbeStrength {
  /** Tells the events of a run apart. */
  readonly type: "strength";
  /** Strength of the penalty, above 0. */
  readonly strength: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Share of the pictures that it was right for, in [0, 1]. */
  readonly accuracy: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** The probe is trained. */
export interface ProbeDone {
  /** Tells the events of a run apart. */
  readonly type: "done";
  /** How well it does. */
  readonly report: ProbeReport;
}

/** What happens while a probe is trained: each strength that was tried, then the end. */
export type ProbeEvent = ProbeStrength | ProbeDone;

/** How well a probe tells pictures apart that it has not learnt from. */
export interface ProbeReport {
  /** Share of the measured pictures that it is right for, in [0, 1]. */
  readonly accuracy: number;
  /**
   * `validation`: pictures kept aside. `cross-validation`: pictures that took turns in being kept aside.
   * `training`: pictures that the probe has learnt from, since each class had only one.
   */
  readonly measuredOn: "validation" | "cross-validation" | "training";
  /** Strength of the penalty; absent in probes of earlier versions, as `tried` is. */
  readonly strength?: number;
  /** What each strength gave that was tried. */
  readonly tried?: readonly Omit<ProbeStrength, "type" | "ms">[];
  /** The same class by class, in the order of the probe's labels. */
  readonly perClass: readonly {
    /** The class. */
    readonly label: string;
    /** Share of its measured pictures, in [0, 1]; NaN where none was measured. */
    readonly accuracy: number;
    /** How many of its pictures were measured. */
    readonly count: number;
  }[];
  /** Which classes were taken for which. */
  readonly confusion: {
    /** The classes, sorted. */
    readonly labels: readonly string[];
    /** Pictures: `counts[truth * labels.length + predicted]`. */
    readonly counts: Uint32Array;
  };
  /** Places, in what was given, of the pictures that were measured and told wrong. */
  readonly misclassified: readonly number[];
  /** Places of the pictures kept aside. */
  readonly validation: readonly number[];
}

/** A run of pre-training. */
export interface PretrainConfig extends EngineOptions {
  /** Name of a built-in recipe (`quick`, `nnclr`, `simclr`, `relational`, …) or the text of one. Default `quick`. */
  readonly recipe?: string;
  /** Changes to it, as on the command line: `{ 'pretraining.unlabelled_batch': 32 }`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /** Side of the pictures in pixels. Default 32. */
  readonly imageSize?: number;
  /** Default 0. */
  readonly seed?: number;
  /**
   * Steps an epoch; default: the recipe's, which are 75 in `quick`; where it names none, as `nnclr`,
   * `simclr` and `relational` do, as many as one pass over the pictures takes.
   */
  readonly stepsPerEpoch?: number;
  /** Default: the recipe's. */
  readonly epochs?: number;
  /** Labels, one string for each picture, `null` where there is none: an online probe learns from them. */
  readonly labels?: readonly (string | null)[];
  /** Steps after which the state is kept in memory, to go on from if the device is lost. Default 50. */
  readonly snapshotEvery?: number;
  /** What the pictures are called in the checkpoint. Default `pictures of a browser tab`. */
  readonly dataset?: string;
}

/**
 * A run of semi-supervised training. No batch is larger than there are pictures of its kind;
 * `run.recipeToml` has the batches that are used.
 */
export interface SemiSupervisedConfig extends Omit<PretrainConfig, "labels"> {
  /** Name of a built-in recipe or the text of one. Default `fixmatch`. */
  readonly recipe?: string;
  /**
   * A checkpoint whose encoder it starts from: its encoder and its size of pictures count, not the
   * recipe's and not `imageSize`.
   */
  readonly from?: ByteSource;
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

/** By which rule pictures are proposed. */
export type ProposalRule = "random" | "uncertain" | "representative" | "different";

/** Which pictures `LabelPool.propose` proposes, and how many. */
export interface ProposeOptions {
  /**
   * `uncertain`: where the probe's two likeliest classes are nearest to each other (margin sampling).
   * `representative`: those that stand for most others without a labelled neighbour (facility location).
   * `different`: the farthest from every labelled picture (greedy k-centre, core-set). `random`: by chance.
   */
  readonly rule: ProposalRule;
  /** So many at most. Default 1. */
  readonly count?: number;
  /** Of the pictures' embeddings; for the rule `uncertain`. */
  readonly probe?: LinearProbe;
  /** Places of pictures that are not to be proposed. */
  readonly skip?: readonly number[];
  /** Decides for the rule `random`. Default 0. */
  readonly seed?: number;
  /** Ends the call with `ABORTED`. */
  readonly signal?: AbortSignal;
}

/** A picture to label next, and why. */
export interface Proposal {
  /** Its place in the pool, from 0. */
  readonly place: number;
  /** Why it is proposed. */
  readonly reason: ProposalReason;
}

/**
 * Why a picture is proposed. `chance`: by chance. `margin`: the probe's two likeliest classes, and their
 * probabilities. `stands-for`: so many pictures would then have a labelled picture nearer than now.
 * `distance`: cosine to the nearest labelled picture; null where none is labelled.
 */
export type ProposalReason =
  | {
      /** Of the rule `random`. */
      readonly kind: "chance";
    }
  | {
      /** Of the rule `uncertain`. */
      readonly kind: "margin";
      /** The likeliest class, and the next. */
      readonly labels: readonly [string, string];
      /** Their probabilities, in [0, 1]. */
      readonly shares: readonly [number, number];
    }
  | {
      /** Of the rule `representative`. */
      readonly kind: "stands-for";
      /** Pictures, at least 0. */
      readonly count: number;
    }
  | {
      /** Of the rule `different`. */
      readonly kind: "distance";
      /** In [-1, 1], or null. */
      readonly cosine: number | null;
    };

/** Labels that have spread from some pictures to others. */
export interface SpreadLabels {
  /** One a picture; null where none arrived. Labels that were given stay. */
  readonly labels: readonly (string | null)[];
  /** How sure each is, in [0, 1]. */
  readonly certainties: Float32Array;
}

/** What one step of training measured. */
export interface PretrainStep {
  /** Steps done. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly total: number;
  /** The epoch of the step, from 1. */
  readonly epoch: number;
  /** What the method minimises, averaged over the batch. */
  readonly loss: number;
  /** `contrastive_accuracy` (or `pair_accuracy`), `probe_accuracy`, `feature_spread`, … as in the native metrics file. */
  readonly metrics: Readonly<Record<string, number>>;
  /** How long the step took, in milliseconds. */
  readonly ms: number;
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
