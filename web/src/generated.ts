/** Plain objects of the backend as Rust declares them (see crates/wasm), to be read only. */
import type * as Wasm from "./kith_cpu.js";

/** The same type, all of it readonly. */
export type Immutable<T> = T extends ArrayBufferView
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Immutable<T[K]> }
    : T;

/**
 * One augmentation of a policy, as in a recipe: `{ op: 'flip', probability: 0.5 }`. `op` is `flip`,
 * `crop`, `translate`, `zoom`, `brightness`, `color_matrix`, `color_jitter`, `grayscale`, `gamma`,
 * `blur`, `morphology`, `solarize`, `affine`, `pad_crop`, `erase`, `cut_out` or `rand_augment`;
 * `policies()` shows those of the known policies with their settings.
 */
export type AugmentationOp = Immutable<Wasm.Op> & { readonly [setting: string]: unknown };

/** What a checkpoint says about itself. */
export interface EncoderInfo extends Immutable<Wasm.EncoderInfo> {
  /** The augmentations of training; where views are of several kinds, those of the first. */
  readonly views: readonly AugmentationOp[];
}

/** What is said of a file of weights besides its tensors. */
export interface Told extends Immutable<Wasm.Told> {}

/** What was taken of a file of other software's, and what was left. */
export interface ImportReport extends Immutable<Wasm.Report> {}

export type {
  Better,
  Dtype,
  FallbackReason,
  Filter,
  Resize,
  Platform,
  Shown,
  Stage,
  Unit,
} from "./kith_cpu.js";

/** What an adapter must offer. */
export type Requirements = Immutable<Wasm.Requirements>;

/** The nearest neighbours of each query, nearest first. */
export interface Found extends Immutable<Wasm.Found> {}

/** What running a run again needs, but for its pictures. */
export interface RunRecord extends Immutable<Wasm.RunRecord> {}

/** How far the losses of two runs agree. */
export interface Agreement extends Immutable<Wasm.Agreement> {}

/** How embeddings lie in space. */
export interface Measures extends Immutable<Wasm.Measures> {}

/** What k-means found. */
export interface Clusters extends Immutable<Wasm.Clusters> {}

/** A number that training shows: its name, its title, its unit, and which way is good. */
export interface Metric extends Immutable<Wasm.Metric> {}

/** A recipe that comes with kith. */
export interface RecipeInfo extends Immutable<Wasm.BuiltInRecipe> {}

/** A run of pre-training: how far it is, what was planned, and what it measures. */
export interface RunInfo extends Immutable<Wasm.RunInfo> {}

/** What a run is trained on and for how long. */
export interface Plan extends Immutable<Wasm.Plan> {}

/** A linear classifier in PyTorch's layout, and how it was found. */
export interface FittedProbe extends Immutable<Wasm.FittedProbe> {}

/** Weights of a linear classifier in PyTorch's layout. */
export interface ProbeWeights {
  /** `[labels, dim]`. */
  readonly weight: Float32Array;
  /** One a label. */
  readonly bias: Float32Array;
}
