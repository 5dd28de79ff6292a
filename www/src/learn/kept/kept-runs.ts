/** Runs that this browser keeps, to be compared with others. */
import { clear, keys, promisifyRequest, values } from "idb-keyval";
import type { Metric } from "kith-web";
import { openStore } from "../../storage.js";
import type { Point, RunConfig } from "../run.js";
import type { NeighbourScores } from "../scores.js";

/** Most runs that are kept: each takes some megabytes. */
export const MOST = 4;

/** A run as it was when it was kept. */
export interface KeptRun {
  /** From 1; no other kept run has it. */
  readonly number: number;
  /** When it was kept, in milliseconds since 1970. */
  readonly at: number;
  readonly config: RunConfig;
  readonly recipeToml: string;
  readonly metrics: readonly Metric[];
  readonly points: readonly Point[];
  readonly step: number;
  readonly total: number;
  /** Side of its pictures in pixels. */
  readonly side: number;
  readonly device: "webgpu" | "cpu";
  readonly source: "gallery" | "own";
  /** Its pictures, and their embeddings by the network as it was then, of length one. */
  readonly ids: readonly string[];
  readonly rows: Float32Array;
  readonly dim: number;
  readonly scores: NeighbourScores;
  readonly checkpoint: Uint8Array;
}

const store = openStore("kith-kept-runs", "runs");

/** Whether there is one; not where a browser stores nothing. */
export const hasKeptRuns = (): Promise<boolean> =>
  keys(store).then(
    (all) => all.length > 0,
    () => false,
  );

/** The kept runs, in the order of their numbers. */
export async function keptRuns(): Promise<KeptRun[]> {
  const all = await values<KeptRun>(store);
  return all.sort((a, b) => a.number - b.number);
}

/** Keeps a run under the next number, in place of another one if one is named: both happen, or none. */
export async function keepRun(
  run: Omit<KeptRun, "number" | "at">,
  inPlaceOf?: number,
): Promise<KeptRun> {
  const known = await keptRuns();
  const number = 1 + Math.max(0, ...known.map((each) => each.number));
  const kept: KeptRun = { ...run, number, at: Date.now() };
  await store("readwrite", (objects) => {
    if (inPlaceOf !== undefined) objects.delete(inPlaceOf);
    objects.put(kept, number);
    return promisifyRequest(objects.transaction);
  });
  return kept;
}

export const removeRun = (number: number): Promise<void> =>
  store("readwrite", (objects) => {
    objects.delete(number);
    return promisifyRequest(objects.transaction);
  });

export const removeAllRuns = (): Promise<void> => clear(store);

/** Removes the runs that learnt from the user's pictures. */
export async function forgetOwnRuns(): Promise<void> {
  for (const { number, source } of await keptRuns()) {
    if (source === "own") await removeRun(number);
  }
}
