/** What is said of runs of training. */
import type { ByteSource, EngineOptions } from "./types.js";

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
