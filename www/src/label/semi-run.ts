/** Semi-supervised training on the pictures that are labelled here: how a run begins and goes on. */
import {
  resumeSemiSupervised,
  trainSemiSupervised,
  type ByteSource,
  type CallOptions,
  type Device,
  type SemiSupervised,
} from "kith-web";
import type { AppState } from "../app-state.js";
import { pixelsOfAll } from "../pixels.js";
import type { Picture } from "../picture.js";
import { isOpen, teaches } from "./mark.js";
import type { SavedRun } from "./saved-run.js";

export interface SemiChoices {
  readonly epochs: number;
  /** Unlabelled pictures in a step. */
  readonly batch: number;
  readonly stepsPerEpoch: number;
}

/** What a run learns from: pictures, and the labels that some of them have. */
export interface Lesson {
  readonly pictures: readonly Picture[];
  readonly labels: readonly (string | null)[];
}

type Call = CallOptions & { readonly device: Device };

/** Labelled pictures in a step. */
const LABELLED = 16;

/** What can be learnt from now; pictures that are set aside or unknown are not even looked at. */
export function lessonOf(all: readonly Picture[]): Lesson {
  const pictures = all.filter((picture) => isOpen(picture) || teaches(picture));
  return { pictures, labels: pictures.map(({ label }) => label) };
}

/** The lesson that a saved run began with; undefined if some of its pictures are gone. */
export function lessonOfSaved({ ids, labels }: SavedRun, all: readonly Picture[]) {
  const known = new Map(all.map((picture) => [picture.id, picture]));
  const pictures = ids.map((id) => known.get(id)).filter((picture) => picture !== undefined);
  return pictures.length === ids.length ? { pictures, labels } : undefined;
}

/** Whether a saved run began with other pictures or labels than there are now. */
export function hasChanged({ ids, labels }: SavedRun, now: Lesson): boolean {
  if (ids.length !== now.pictures.length) return true;
  return now.pictures.some(({ id }, at) => ids[at] !== id || labels[at] !== now.labels[at]);
}

/** kith's encoders of four convolutions. */
const OF_FOUR_CONVOLUTIONS: ReadonlySet<string> = new Set(["conv4", "conv4_pool"]);

/** Whether a run can start from the open network: kith's encoders of four convolutions can be trained on. */
export function canStartFrom({ encoder, network }: AppState): boolean {
  const info = encoder?.info ?? network.metadata?.info;
  return info !== undefined && OF_FOUR_CONVOLUTIONS.has(info.arch) && info.stage !== "imported";
}

/** Starts a run, from the open network if that can be. */
export function startSemi(
  app: AppState,
  { pictures, labels }: Lesson,
  { epochs, batch, stepsPerEpoch, ...call }: SemiChoices & Call,
): Promise<SemiSupervised> {
  const from: ByteSource | undefined = canStartFrom(app) ? app.checkpointFile : undefined;
  const known = labels.filter((label) => label !== null).length;
  const labelled = Math.min(LABELLED, known);
  // No picture may be in a step twice, not even once with and once without its label.
  const unlabelled = Math.max(1, Math.min(batch, pictures.length - labelled));
  return trainSemiSupervised(pixelsOfAll(pictures), labels, {
    ...call,
    epochs,
    stepsPerEpoch,
    ...(from !== undefined && { from }),
    set: { "semi.labelled_batch": labelled, "semi.unlabelled_batch": unlabelled },
  });
}

/** Goes on with a saved run. */
export const resumeSemi = (
  { state }: SavedRun,
  { pictures, labels }: Lesson,
  call: Call,
): Promise<SemiSupervised> => resumeSemiSupervised(state, pixelsOfAll(pictures), labels, call);
