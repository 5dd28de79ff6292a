/** A run of semi-supervised training as this browser keeps it, to go on with it after a reload. */
import { del, get, set } from "idb-keyval";
import { store } from "../storage.js";

/** What was measured after an epoch. */
export interface EpochPoint {
  readonly epoch: number;
  readonly step: number;
  readonly loss: number;
  /** Of the labels set aside. */
  readonly right: number;
  readonly count: number;
}

export interface SavedRun {
  readonly state: Uint8Array;
  readonly step: number;
  readonly total: number;
  /** When it was kept, in milliseconds since 1970. */
  readonly at: number;
  /** The pictures that it learns from, and the labels that it began with. */
  readonly ids: readonly string[];
  readonly labels: readonly (string | null)[];
  readonly points: readonly EpochPoint[];
}

const keyOf = (source: string): string => `label run ${source}`;

export const loadSavedRun = (source: string): Promise<SavedRun | undefined> =>
  get<SavedRun>(keyOf(source), store);
export const keepRun = (source: string, run: SavedRun): Promise<void> =>
  set(keyOf(source), run, store);
export const forgetSavedRun = (source: string): Promise<void> => del(keyOf(source), store);

/** The day of a time, as one says it. */
export function dayOf(at: number, now = Date.now()): string {
  const dayStart = (time: number): number => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((dayStart(now) - dayStart(at)) / 86_400_000);
  if (days === 0) return "today";
  if (days === 1) return "yesterday";
  return new Date(at).toLocaleDateString("en", { day: "numeric", month: "long" });
}
