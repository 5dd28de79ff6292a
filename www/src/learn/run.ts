/** A run in the tab: its configuration, the pictures it trains on, and how it is saved. */
import { del, get, set } from "idb-keyval";
import {
  pretrain,
  resumePretraining,
  type CallOptions,
  type Device,
  type Pretraining,
} from "kith-web";
import { picturesFromFiles } from "../user-pictures.js";
import { pixelsOfAll } from "../pixels.js";
import type { Picture } from "../picture.js";
import { store } from "../storage.js";
import { recipeOf } from "./recipes.js";

export interface RunConfig {
  /** Name of a recipe of the package. */
  readonly recipe: string;
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
}

/** A step's values in the curves. */
export interface Point {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** What this browser saves of a run, to resume it after a reload. */
export interface SavedRun {
  readonly state: Uint8Array;
  readonly config: RunConfig;
  readonly step: number;
  readonly points: readonly Point[];
  /** The user's pictures that it trains on; null if it trains on the gallery. */
  readonly files: readonly { readonly file: File; readonly label: string | null }[] | null;
}

const KEY = "run";
const SIDE = 32;
/** Steps per epoch, whatever the recipe says: runs in a tab are short. */
const STEPS_PER_EPOCH = 75;
/** Labelled pictures per step, for the online probe; the encoder does not learn from them. */
const LABELLED = 16;

/** Fewest pictures that a run can train on. */
export const MIN_PICTURES = 32;

/** Starts a run. */
export function startRun(
  { recipe, steps, batch, seed }: RunConfig,
  pictures: readonly Picture[],
  { device, ...call }: CallOptions & { device: Device },
): Promise<Pretraining> {
  const unlabelled = Math.min(batch, pictures.length);
  const labels = probeLabels(pictures);
  return pretrain(pixelsOfAll(pictures), {
    ...call,
    device,
    recipe,
    imageSize: SIDE,
    seed,
    stepsPerEpoch: STEPS_PER_EPOCH,
    epochs: Math.ceil(steps / STEPS_PER_EPOCH),
    dataset: datasetName(pictures),
    ...(labels && { labels }),
    set: {
      "pretraining.unlabelled_batch": unlabelled,
      "pretraining.labelled_batch": labels ? LABELLED : 0,
      ...queueSize(recipe, Math.max(pictures.length, 2 * (unlabelled + LABELLED))),
    },
  });
}

/** A support set no larger than a small dataset fills. */
function queueSize(recipe: string, most: number): Record<string, number> {
  const queue = recipeOf(recipe)?.queue;
  return queue ? { "objective.queue": Math.min(queue, most) } : {};
}

/** Resumes a saved run. */
export function resumeRun(
  { state }: SavedRun,
  pictures: readonly Picture[],
  { device, ...call }: CallOptions & { device: Device },
): Promise<Pretraining> {
  const labels = probeLabels(pictures);
  return resumePretraining(state, pixelsOfAll(pictures), {
    ...call,
    device,
    dataset: datasetName(pictures),
    ...(labels && { labels }),
  });
}

/** Labels for the online probe, if enough pictures have one. */
export function probeLabels(pictures: readonly Picture[]): (string | null)[] | undefined {
  const labels = pictures.map(({ label }) => label);
  const known = labels.filter((label) => label !== null);
  return known.length >= LABELLED && new Set(known).size > 1 ? labels : undefined;
}

const datasetName = (pictures: readonly Picture[]): string =>
  pictures[0]?.file ? "pictures of a browser tab" : "gallery";

/** Saves a run, with the user's pictures if it trains on them. */
export async function saveRun(
  run: Pretraining,
  pictures: readonly Picture[],
  { config, points }: Pick<SavedRun, "config" | "points">,
): Promise<void> {
  const files = pictures[0]?.file
    ? pictures.map(({ file, label }) => ({ file: file!.blob as File, label }))
    : null;
  const state = await run.state();
  await set(KEY, { state, config, step: run.step, points, files } satisfies SavedRun, store);
}

export const loadSavedRun = (): Promise<SavedRun | undefined> => get<SavedRun>(KEY, store);
export const deleteSavedRun = (): Promise<void> => del(KEY, store);

/** The pictures that a saved run trains on. */
export function picturesOf({ files }: SavedRun, gallery: readonly Picture[]): readonly Picture[] {
  if (files === null) return gallery;
  return files.flatMap(({ file, label }) => picturesFromFiles([file], label));
}
