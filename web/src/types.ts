import type { FallbackReason, Told } from "./generated.js";
import type { LinearProbe } from "./probe.js";

export type {
  Agreement,
  AugmentationOp,
  Clusters,
  EncoderInfo,
  FallbackReason,
  ImportReport,
  Measures,
  Metric,
  RecipeInfo,
  RunRecord,
} from "./generated.js";

/** What may be wrong with some pictures. Pictures are places in the list that was given. */
export interface CleanUp {
  readonly nearDuplicates: {
    /** Groups of which one picture is enough, the most alike first. */
    readonly groups: readonly {
      /** The picture to keep. */
      readonly kept: number;
      /** The others, the most alike first, with their cosine to the one that is kept. */
      readonly others: readonly { readonly picture: number; readonly cosine: number }[];
    }[];
    /** The relative distance up to which two are near-duplicates; null: only equal ones are. */
    readonly threshold: number | null;
    /** The share of copies that kith makes of some pictures which it finds, by what was done to them. */
    readonly copiesFound: Readonly<Record<string, number>>;
  };
  /** Pictures that lie so many times as far from their nearest others as is usual. */
  readonly outliers: readonly { readonly picture: number; readonly times: number }[];
  /** Null where no two classes have five different pictures each. */
  readonly labels: {
    /** Labels that may be wrong, the most doubtful first. */
    readonly doubts: readonly {
      readonly picture: number;
      readonly label: string;
      readonly suggested: string;
      /** Probabilities of the label and of the suggested one, by a probe that has not seen the picture. */
      readonly probability: number;
      readonly likely: number;
      /** Whether the label is most likely wrong, and the picture not one between classes. */
      readonly strong: boolean;
      /** The picture of the suggested class that is most alike; null where there is none. */
      readonly beside: number | null;
    }[];
    /** Classes that are taken for each other; `share` is that of the pictures of both. */
    readonly blends: readonly {
      readonly labels: readonly [string, string];
      readonly counts: readonly [number, number];
      readonly share: number;
    }[];
    /** Pictures that were judged. */
    readonly judged: number;
    /** Classes of fewer than five different pictures, which were not judged. */
    readonly small: readonly string[];
  } | null;
}

/** What the caller asks for: `auto` prefers WebGPU and falls back to the CPU, `webgpu` fails without it. */
export type Device = "auto" | "webgpu" | "cpu";

/** Which device computes, and why. */
export interface DeviceReport {
  readonly requested: Device;
  readonly actual: "webgpu" | "cpu";
  /** Set whenever `actual` is not WebGPU. */
  readonly reason?: FallbackReason;
  /** What the browser or the driver said, for people. */
  readonly detail?: string;
  readonly adapter?: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
    /** A software adapter: right, but slow. */
    readonly isFallback: boolean;
  };
  readonly limits?: {
    readonly maxBufferSize: number;
    readonly maxStorageBufferBindingSize: number;
  };
  readonly features?: readonly string[];
  /** Largest relative deviation of a tiny forward and backward pass from numbers baked in. */
  readonly selfTest?: { readonly passed: boolean; readonly deviation: number; readonly ms: number };
}

/** Where bytes can come from. */
export type ByteSource =
  string | URL | Request | Response | Blob | ArrayBuffer | Uint8Array | FileSystemFileHandle;

/** How far a long call is. */
export interface Progress {
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
  readonly fromCache: boolean;
}

/** What every long call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal;
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
  readonly wasmUrl?: string | URL | { readonly cpu?: string | URL; readonly webgpu?: string | URL };
  readonly workerUrl?: string | URL;
  readonly fetch?: typeof fetch;
}

export interface LoadOptions extends EngineOptions {
  /**
   * Default `persistent`: the Cache API; where it has no space, memory. A URL that is cached is not
   * fetched again: a checkpoint that changes needs a new URL, `integrity`, or `none`.
   */
  readonly cache?: "persistent" | "memory" | "none";
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
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

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
  readonly id: string;
  readonly index: number;
  /** Cosine in [-1, 1]; with the metric `l2`, the negative distance. */
  readonly similarity: number;
  readonly label?: string;
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
  readonly type: "strength";
  readonly strength: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  readonly accuracy: number;
  readonly ms: number;
}

export type ProbeEvent = ProbeStrength | { readonly type: "done"; readonly report: ProbeReport };

/** How well a probe tells pictures apart that it has not learnt from. */
export interface ProbeReport {
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
  readonly perClass: readonly {
    readonly label: string;
    readonly accuracy: number;
    readonly count: number;
  }[];
  /** Rows are the truth, columns the prediction: `counts[truth * labels.length + predicted]`. */
  readonly confusion: { readonly labels: readonly string[]; readonly counts: Uint32Array };
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

/** By which rule pictures are proposed. */
export type ProposalRule = "random" | "uncertain" | "representative" | "different";

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
  readonly signal?: AbortSignal;
}

/** A picture to label next, and why. */
export interface Proposal {
  readonly place: number;
  readonly reason:
    | { readonly kind: "chance" }
    /** The probe's two likeliest classes, and their probabilities. */
    | {
        readonly kind: "margin";
        readonly labels: readonly [string, string];
        readonly shares: readonly [number, number];
      }
    /** So many pictures would then have a labelled picture nearer than now. */
    | { readonly kind: "stands-for"; readonly count: number }
    /** Cosine to the nearest labelled picture; null where none is labelled. */
    | { readonly kind: "distance"; readonly cosine: number | null };
}

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
  readonly total: number;
  readonly epoch: number;
  readonly loss: number;
  /** `contrastive_accuracy` (or `pair_accuracy`), `probe_accuracy`, `feature_spread`, … as in the native metrics file. */
  readonly metrics: Readonly<Record<string, number>>;
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
