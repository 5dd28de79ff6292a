/** What crosses to the computing side and back, as plain values. */
import type { AugmentationOp, EncoderInfo } from "./types.js";

/** A checkpoint's note. */
export interface Note {
  readonly arch: string;
  readonly encoder: EncoderInfo["encoder"];
  readonly method: string;
  readonly stage: "pretrained" | "supervised" | "finetuned" | "semi_supervised";
  readonly recipe: string;
  readonly toml: string;
  readonly dim: number;
  readonly projectionDim: number;
  readonly side: number;
  readonly parameters: number;
  readonly halfPrecision: boolean;
  readonly mean: number[];
  readonly std: number[];
  readonly fingerprint: string;
  readonly classNames: string[];
  readonly probe: boolean;
  readonly queue: number;
  readonly dataset: EncoderInfo["dataset"];
  /** Digits where a number cannot hold it exactly. */
  readonly seed: number | string;
  readonly steps: number;
  readonly software: string;
  readonly last: Record<string, unknown>;
  readonly best: Record<string, unknown>;
  readonly views: AugmentationOp[];
}

/** What a search found: `[queries, k]`, nearest first. */
export interface Found {
  readonly k: number;
  readonly indices: Uint32Array;
  readonly similarities: Float32Array;
}

/** A run of pre-training: how far it is, and what was planned. */
export interface RunInfo {
  readonly steps: number;
  readonly total: number;
  readonly toml: string;
  readonly plan: Plan;
}

/** What a run of pre-training is planned for; 0 steps or epochs leave it to the recipe. */
export interface Plan {
  readonly side: number;
  readonly classes: number;
  readonly seed: number;
  /** Steps an epoch. */
  readonly steps: number;
  readonly epochs: number;
  /** Unlabelled pictures: one pass over them is an epoch where the recipe does not say. */
  readonly pictures: number;
}

/** What is to be fitted, and how. */
export interface FitOptions {
  readonly classes: number;
  readonly training: number;
  readonly epochs?: number;
  readonly firstRate?: number;
  readonly lastRate?: number;
  readonly weightDecay?: number;
  readonly balanced?: boolean;
}
