/** What a run in the tab is: its objective and size, the pictures it learns from, how it is kept. */
import { pretrain, resumePretraining, type Device, type Pretraining } from "kith-web";
import type { CallOptions } from "kith-web";
import { forget, keep, kept } from "../storage.js";
import { picturesFromFiles } from "../user-pictures.js";
import { pixelsOfAll } from "../pixels.js";
import type { Picture } from "../picture.js";
import type { Objective } from "./objectives.js";

export interface RunConfig {
  readonly objective: Objective;
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
}

/** A step's numbers, as the curves have them. */
export interface Point {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
}

/** What is kept of a run over a reload. */
export interface SavedRun {
  readonly state: Uint8Array;
  readonly config: RunConfig;
  readonly step: number;
  readonly points: readonly Point[];
  /** The visitor's pictures that it learns from; none if it is the gallery. */
  readonly files: readonly { readonly file: File; readonly label: string | null }[] | null;
}

const NAME = "run";
const SIDE = 32;
/** Steps an epoch: the sampler starts anew after as many. */
const STEPS_AN_EPOCH = 75;
/** Pictures with labels a step, for the online probe that only watches. */
const LABELLED = 16;
/** Rows of the support set; a small data set fills a small one. */
const QUEUE = 2000;

/** What an objective changes of the recipe. */
const CHANGES: Record<
  Objective,
  (pictures: number, batch: number) => Record<string, string | number>
> = {
  nnclr: (pictures: number, batch: number) => ({
    "objective.queue": Math.min(QUEUE, Math.max(pictures, 2 * batch)),
  }),
  simclr: () => ({
    objective: '{ kind = "simclr", temperature = 0.1, form = "cross_view" }',
    name: "simclr",
  }),
  relational: () => ({
    objective:
      '{ kind = "relational", views = 4, aggregation = "concatenate", hidden = 256, loss = { kind = "cross_entropy" } }',
    "pretraining.views": "relational",
    name: "relational",
  }),
};

/** The least pictures that a batch can be taken from. */
export const MIN_PICTURES = 32;

/** Starts a run. */
export function startRun(
  config: RunConfig,
  pictures: readonly Picture[],
  { device, ...call }: CallOptions & { device: Device },
): Promise<Pretraining> {
  const batch = Math.min(config.batch, pictures.length);
  const labels = probeLabels(pictures);
  return pretrain(pixelsOfAll(pictures), {
    ...call,
    device,
    recipe: "quick",
    imageSize: SIDE,
    seed: config.seed,
    stepsPerEpoch: STEPS_AN_EPOCH,
    epochs: Math.ceil(config.steps / STEPS_AN_EPOCH),
    dataset: datasetName(pictures),
    ...(labels && { labels }),
    set: {
      "pretraining.unlabelled_batch": batch,
      "pretraining.labelled_batch": labels ? LABELLED : 0,
      ...CHANGES[config.objective](pictures.length, batch + LABELLED),
    },
  });
}

/** Goes on with a run that was kept. */
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

/** Labels, if enough pictures have one for the probe that watches. */
function probeLabels(pictures: readonly Picture[]): (string | null)[] | undefined {
  const labels = pictures.map(({ label }) => label);
  const known = labels.filter((label) => label !== null);
  return known.length >= LABELLED && new Set(known).size > 1 ? labels : undefined;
}

const datasetName = (pictures: readonly Picture[]): string =>
  pictures[0]?.file ? "pictures of a browser tab" : "gallery";

/** Keeps a run, with the visitor's pictures if it learns from them. */
export async function saveRun(
  run: Pretraining,
  pictures: readonly Picture[],
  { config, points }: Pick<SavedRun, "config" | "points">,
): Promise<void> {
  const files = pictures[0]?.file
    ? pictures.map(({ file, label }) => ({ file: file!.blob as File, label }))
    : null;
  const state = await run.state();
  await keep(NAME, { state, config, step: run.step, points, files } satisfies SavedRun);
}

export const loadSavedRun = (): Promise<SavedRun | undefined> => kept<SavedRun>(NAME);
export const deleteSavedRun = (): Promise<void> => forget(NAME);

/** The pictures that a kept run learns from. */
export function picturesOf({ files }: SavedRun, gallery: readonly Picture[]): readonly Picture[] {
  if (files === null) return gallery;
  return files.flatMap(({ file, label }) => picturesFromFiles([file], label));
}
