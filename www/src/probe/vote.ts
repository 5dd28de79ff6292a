/** A vote of the nearest labelled pictures: a classifier that needs no training and no download. */
import { breath } from "../latest.js";
import type { Picture } from "../picture.js";
import type { Sight } from "../sight.js";

/** Queries that are answered before the browser may draw again. */
const AT_A_TIME = 24;
const MOST_VOTERS = 20;

/** What the labelled pictures vote for, for each of the others. */
export async function vote(
  sight: Sight,
  labelled: readonly Picture[],
  others: readonly Picture[],
  signal: AbortSignal,
): Promise<string[]> {
  const index = sight.index(labelled);
  const k = Math.min(MOST_VOTERS, Math.max(1, Math.round(labelled.length / index.labels.length)));
  const found: string[] = [];
  for (let from = 0; from < others.length && !signal.aborted; from += AT_A_TIME) {
    const some = sight.rows(others.slice(from, from + AT_A_TIME));
    found.push(...index.classify(some, { k }).map(({ label }) => label));
    await breath();
  }
  return found;
}
