/** A vote of the nearest labelled pictures: a classifier that needs no training and no download. */
import { yieldToBrowser } from "../debounce.js";
import type { Picture } from "../picture.js";
import type { Network } from "../network.js";

/** Queries that are answered before the browser may draw again. */
const CHUNK = 24;
const MAX_NEIGHBOURS = 20;

/** What the labelled pictures vote for, for each of the others. */
export async function knnPredict(
  network: Network,
  labelled: readonly Picture[],
  others: readonly Picture[],
  signal: AbortSignal,
): Promise<string[]> {
  const index = network.index(labelled);
  const k = Math.min(
    MAX_NEIGHBOURS,
    Math.max(1, Math.round(labelled.length / index.labels.length)),
  );
  const found: string[] = [];
  for (let from = 0; from < others.length && !signal.aborted; from += CHUNK) {
    const some = network.embeddings(others.slice(from, from + CHUNK));
    found.push(...index.classify(some, { k }).map(({ label }) => label));
    await yieldToBrowser();
  }
  return found;
}
