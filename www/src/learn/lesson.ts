/** What a run in the tab is: its objective and size, the pictures it learns from, how it is kept. */
import { pretrain, resumePretraining, type Device, type Pretraining } from "kith-web";
import type { CallOptions } from "kith-web";
import { forget, keep, kept } from "../keep.js";
import { picturesFrom } from "../own.js";
import { eachOf } from "../pixels.js";
import type { Picture } from "../picture.js";
import type { Objective } from "./objectives.js";

export interface Wish {
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
export interface Kept {
  readonly state: Uint8Array;
  readonly wish: Wish;
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
export const LEAST = 32;

/** Starts a run. */
export function begin(
  wish: Wish,
  pictures: readonly Picture[],
  { device, ...call }: CallOptions & { device: Device },
): Promise<Pretraining> {
  const batch = Math.min(wish.batch, pictures.length);
  const labels = labelsOf(pictures);
  return pretrain(eachOf(pictures), {
    ...call,
    device,
    recipe: "quick",
    imageSize: SIDE,
    seed: wish.seed,
    stepsPerEpoch: STEPS_AN_EPOCH,
    epochs: Math.ceil(wish.steps / STEPS_AN_EPOCH),
    dataset: nameOf(pictures),
    ...(labels && { labels }),
    set: {
      "pretraining.unlabelled_batch": batch,
      "pretraining.labelled_batch": labels ? LABELLED : 0,
      ...CHANGES[wish.objective](pictures.length, batch + LABELLED),
    },
  });
}

/** Goes on with a run that was kept. */
export function goOn(
  { state }: Kept,
  pictures: readonly Picture[],
  { device, ...call }: CallOptions & { device: Device },
): Promise<Pretraining> {
  const labels = labelsOf(pictures);
  return resumePretraining(state, eachOf(pictures), {
    ...call,
    device,
    dataset: nameOf(pictures),
    ...(labels && { labels }),
  });
}

/** Labels, if enough pictures have one for the probe that watches. */
function labelsOf(pictures: readonly Picture[]): (string | null)[] | undefined {
  const labels = pictures.map(({ label }) => label);
  const known = labels.filter((label) => label !== null);
  return known.length >= LABELLED && new Set(known).size > 1 ? labels : undefined;
}

const nameOf = (pictures: readonly Picture[]): string =>
  pictures[0]?.file ? "pictures of a browser tab" : "gallery";

/** Keeps a run, with the visitor's pictures if it learns from them. */
export async function keepRun(
  run: Pretraining,
  pictures: readonly Picture[],
  { wish, points }: Pick<Kept, "wish" | "points">,
): Promise<void> {
  const files = pictures[0]?.file
    ? pictures.map(({ file, label }) => ({ file: file!.blob as File, label }))
    : null;
  const state = await run.state();
  await keep(NAME, { state, wish, step: run.step, points, files } satisfies Kept);
}

export const keptRun = (): Promise<Kept | undefined> => kept<Kept>(NAME);
export const forgetRun = (): Promise<void> => forget(NAME);

/** The pictures that a kept run learns from. */
export function picturesOf({ files }: Kept, gallery: readonly Picture[]): readonly Picture[] {
  if (files === null) return gallery;
  return files.flatMap(({ file, label }) => picturesFrom([file], label));
}
