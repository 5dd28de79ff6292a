/** A run in the tab: its configuration, the pictures it trains on, and how it is saved. */
import { del, get, set } from "idb-keyval";
import {
  pretrain,
  resumePretraining,
  type CallOptions,
  type Device,
  type Pretraining,
} from "kith-web";
import { picturesFromFiles, restoredPicture } from "../user-pictures.js";
import { pixelsOfAll } from "../pixels.js";
import type { Picture } from "../picture.js";
import { store } from "../storage.js";
import type { Metrics } from "./metrics.js";
import { recipeOf, usualFor } from "./recipes.js";
import type { Start } from "./start-from.js";

export interface RunConfig {
  /** Name of a recipe of the package. */
  readonly recipe: string;
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  /** Changes to the recipe, as on the command line. */
  readonly changes?: Readonly<Record<string, string>>;
  /** The network that it began with; fresh weights where there is none. */
  readonly from?: Origin;
}

/** What is remembered of the network that a run began with. */
export interface Origin {
  readonly title: string;
  /** Side of the pictures that it was made for, in pixels. */
  readonly side: number;
}

/** A step's values in the curves. */
export interface Point {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  /** What its metrics are, by name. */
  readonly metrics: Metrics;
  /** How long the steps up to it took, in seconds; NaN where that is not known. */
  readonly seconds: number;
}

/** What this browser saves of a run, to resume it after a reload. */
export interface SavedRun {
  readonly state: Uint8Array;
  readonly config: RunConfig;
  readonly step: number;
  readonly points: readonly Point[];
  /** How often the other vendor's drawing was nearest at step 0, where that is known. */
  readonly atStart?: number | undefined;
  /** The user's pictures that it trains on; null if it trains on the gallery. */
  readonly files: readonly SavedPicture[] | null;
}

interface SavedPicture {
  readonly file: File;
  readonly label: string | null;
  /** Its number and name, which runs of earlier versions did not save. */
  readonly id?: string;
  readonly name?: string;
}

type Call = CallOptions & { readonly device: Device };

const KEY = "run";
/** Steps per epoch, whatever the recipe says: runs in a tab are short. */
const STEPS_PER_EPOCH = 75;
/** A length that is no multiple of them is one epoch: a run takes as many steps as it says. */
const epochOf = (steps: number): number => (steps % STEPS_PER_EPOCH ? steps : STEPS_PER_EPOCH);
/** Labelled pictures per step, for the online probe; the encoder does not learn from them. */
export const LABELLED = 16;

/** Fewest pictures that a run can train on. */
export const MIN_PICTURES = 32;

/** Starts a run, with fresh weights or with the encoder of another network. */
export async function startRun(
  { recipe, steps, batch, seed, changes }: RunConfig,
  pictures: readonly Picture[],
  { device, start, ...call }: Call & { readonly start?: Start | undefined },
): Promise<Pretraining> {
  const unlabelled = Math.min(batch, pictures.length);
  const labels = probeLabels(pictures);
  const domains = domainsOf(pictures);
  return pretrain(pixelsOfAll(pictures), {
    ...call,
    device,
    dataset: datasetName(pictures),
    ...(labels && { labels }),
    ...(domains && { domains }),
    ...(start && { from: start.from, ...(start.told && { import: start.told }) }),
    recipe,
    imageSize: start?.side ?? usualFor(recipe).side,
    seed,
    stepsPerEpoch: epochOf(steps),
    epochs: steps / epochOf(steps),
    set: {
      "pretraining.unlabelled_batch": unlabelled,
      "pretraining.labelled_batch": labels ? LABELLED : 0,
      ...(!domains && { "pretraining.batches": "mixed" }),
      ...queueSize(recipe, Math.max(pictures.length, 2 * (unlabelled + LABELLED))),
      ...changes,
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
  { device, ...call }: Call,
): Promise<Pretraining> {
  const labels = probeLabels(pictures);
  const domains = domainsOf(pictures);
  return resumePretraining(state, pixelsOfAll(pictures), {
    ...call,
    device,
    dataset: datasetName(pictures),
    ...(labels && { labels }),
    ...(domains && { domains }),
  });
}

/** Who drew each picture, where that is known of all. */
export function domainsOf(pictures: readonly Picture[]): string[] | undefined {
  return pictures.every(({ by }) => by !== "") ? pictures.map(({ by }) => by) : undefined;
}

/** Labels for the online probe, if enough pictures have one. */
export function probeLabels(pictures: readonly Picture[]): (string | null)[] | undefined {
  const labels = pictures.map(({ label }) => label);
  const known = labels.filter((label) => label !== null);
  return known.length >= LABELLED && new Set(known).size > 1 ? labels : undefined;
}

/** What the gallery is called in checkpoints, records and run files. */
export const GALLERY = "gallery";

const datasetName = (pictures: readonly Picture[]): string =>
  pictures[0]?.file ? "pictures of a browser tab" : GALLERY;

/** Saves a run, with the user's pictures if it trains on them. */
export async function saveRun(
  run: Pretraining,
  pictures: readonly Picture[],
  { config, points, atStart }: Pick<SavedRun, "config" | "points" | "atStart">,
): Promise<void> {
  const files = pictures[0]?.file
    ? pictures.map(({ id, name, file, label }) => ({ id, name, file: file!.blob as File, label }))
    : null;
  const state = await run.state();
  const saved = { state, config, step: run.step, points, atStart, files } satisfies SavedRun;
  await set(KEY, saved, store);
}

export async function loadSavedRun(): Promise<SavedRun | undefined> {
  const saved = await get<SavedRun>(KEY, store);
  // Earlier versions of the page saved no times and only two numbers of a step.
  const known = { metrics: {}, seconds: NaN };
  return saved && { ...saved, points: saved.points.map((point) => ({ ...known, ...point })) };
}

export const deleteSavedRun = (): Promise<void> => del(KEY, store);

/** The pictures that a saved run trains on. */
export function picturesOf({ files }: SavedRun, gallery: readonly Picture[]): readonly Picture[] {
  if (files === null) return gallery;
  return files.flatMap(({ file, label, id, name }) =>
    id !== undefined && name !== undefined
      ? [restoredPicture(id, { name, blob: file }, label)]
      : picturesFromFiles([file], label),
  );
}
