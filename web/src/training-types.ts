/** What is said of runs of training. */
import type { ByteSource, EngineOptions, ImportOptions, RawImage } from "./types.js";

/** A run of pre-training. */
export interface PretrainConfig extends EngineOptions {
  /** Name of a built-in recipe (`quick`, `nnclr`, `simclr`, `relational`, …) or the text of one. Default `quick`. */
  readonly recipe?: string;
  /** Changes to it, as on the command line: `{ 'pretraining.unlabelled_batch': 32 }`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /**
   * A file of weights whose encoder it begins with, in place of fresh weights: a checkpoint, or a
   * safetensors file of others as `loadEncoder` takes them. Its encoder counts, not the recipe's; a
   * method's teacher begins as a copy of it. Checkpoints of the run still say whose weights they were.
   */
  readonly from?: ByteSource;
  /** What is told of that file, where it is not kith's; as for `loadEncoder`. */
  readonly import?: ImportOptions;
  /** Side of the pictures in pixels. Default 32; with `from`, the encoder's. */
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
  /**
   * The domain of each picture, as who drew it or which camera took it: a recipe with
   * `pretraining.batches = "one_domain"` needs it, and makes each batch of one domain.
   */
  readonly domains?: readonly string[];
  /** Steps after which the state is kept in memory, to go on from if the device is lost. Default 50. */
  readonly snapshotEvery?: number;
  /** What the pictures are called in the checkpoint. Default `pictures of a browser tab`. */
  readonly dataset?: string;
}

/**
 * A run of semi-supervised training. No batch is larger than there are pictures of its kind;
 * `run.recipeToml` has the batches that are used.
 */
export interface SemiSupervisedConfig extends Omit<PretrainConfig, "labels" | "domains"> {
  /** Name of a built-in recipe or the text of one. Default `fixmatch`. */
  readonly recipe?: string;
}

/** A run file, taken apart. */
export interface RunFile {
  /** Which of `resumePretraining` and `resumeSemiSupervised` goes on with it. */
  readonly kind: "pretraining" | "semi-supervised";
  /** The run's state. */
  readonly state: Uint8Array<ArrayBuffer>;
  /** Its pictures, at the run's size. */
  readonly images: readonly RawImage[];
  /** The label of every picture, `null` where there is none. */
  readonly labels: readonly (string | null)[];
  /** The domain of every picture; none where they are not known. */
  readonly domains?: readonly string[];
  /** What the pictures are called. */
  readonly dataset: string;
  /** Steps done. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly total: number;
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
