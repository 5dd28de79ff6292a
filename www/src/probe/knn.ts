/** Classifies by nearest neighbours, which needs no training and no download. */
import { yieldToBrowser } from "../debounce.js";
import type { Picture } from "../picture.js";
import type { Network } from "../network.js";

/** Queries that are answered before the browser may draw again. */
const CHUNK = 24;
const MAX_NEIGHBOURS = 20;

/** Predicts a label for each of `others` from its nearest labelled pictures. */
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
  const predictions: string[] = [];
  for (let from = 0; from < others.length && !signal.aborted; from += CHUNK) {
    const some = network.embeddings(others.slice(from, from + CHUNK));
    predictions.push(...index.classify(some, { k }).map(({ label }) => label));
    await yieldToBrowser();
  }
  return predictions;
}
