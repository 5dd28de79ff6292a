/** What the labels teach a linear probe, and how good it is. */
import { trainLinearProbe, type Device, type LinearProbe } from "kith-web";
import type { Network } from "../network.js";
import type { Picture } from "../picture.js";
import { measures, teaches } from "./mark.js";
import { ENOUGH } from "./reasons.js";

/** Of how many pictures so many were guessed right. */
export interface Count {
  readonly right: number;
  readonly count: number;
}

export interface Learnt {
  readonly probe: LinearProbe;
  /** Labels that it has learnt from. */
  readonly labels: number;
  /** On the labels that are set aside. */
  readonly aside: Count;
  /** The share of its own labels that it guesses when they are kept from it; null where it cannot be known. */
  readonly crossValidated: number | null;
  readonly ms: number;
}

interface Task {
  readonly network: Network;
  readonly device: Device;
  readonly signal: AbortSignal;
}

/** Whether enough classes have enough labels for a probe's doubts to say anything. */
export function hasEnough(pictures: readonly Picture[]): boolean {
  const counts = new Map<string, number>();
  for (const { label } of pictures.filter(teaches)) {
    counts.set(label!, (counts.get(label!) ?? 0) + 1);
  }
  const classes = [...counts.values()].filter((count) => count >= ENOUGH.labels);
  return classes.length >= ENOUGH.classes;
}

/** Trains a probe on the labels that are not set aside; undefined while there are fewer than two classes. */
export async function learn(
  pictures: readonly Picture[],
  { network, device, signal }: Task,
): Promise<Learnt | undefined> {
  const known = pictures.filter(teaches);
  const labels = known.map(({ label }) => label!);
  if (new Set(labels).size < 2) return undefined;
  const start = performance.now();
  const run = trainLinearProbe(network.embeddings(known), labels, {
    signal,
    ...(device !== "auto" && { device }),
  });
  const probe = await run.result;
  const { accuracy, measuredOn } = probe.report;
  return {
    probe,
    labels: known.length,
    aside: rightOf(guesses(probe, network, pictures.filter(measures)), pictures.filter(measures)),
    crossValidated: measuredOn === "cross-validation" ? accuracy : null,
    ms: performance.now() - start,
  };
}

/** How many guesses are the pictures' labels. */
export function rightOf(guessed: readonly string[], pictures: readonly Picture[]): Count {
  const right = pictures.filter(({ label }, place) => guessed[place] === label).length;
  return { right, count: pictures.length };
}

/** What a probe takes pictures for. */
export const guesses = (
  probe: LinearProbe,
  network: Network,
  pictures: readonly Picture[],
): string[] =>
  probe.predictClasses(network.embeddings(pictures)).map((number) => probe.labels[number]!);
