/** A guess for every picture of the map. */
import type { AppState } from "../app-state.js";
import type { Picture } from "../picture.js";
import { knnPredict } from "../probe/knn.js";

/** The probe's if there is one, else the vote of its nearest. */
export async function predictAll(
  app: AppState,
  pictures: readonly Picture[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { probe, network } = app;
  if (probe)
    return probe.predict(network.embeddings(pictures), { topK: 1 }).map(([best]) => best!.label);
  // Halves vote for each other, so that no picture votes for itself or for its twin.
  const halves = [0, 1].map((half) => pictures.filter((picture) => halfOf(picture) === half));
  const found = new Map<string, string>();
  for (const [own, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const labelled = halves[other]!.filter(({ label }) => label !== null);
    const predictions = await knnPredict(network, labelled, halves[own]!, signal);
    predictions.forEach((prediction, i) => found.set(halves[own]![i]!.id, prediction));
  }
  return pictures.map(({ id }) => found.get(id) ?? "");
}

/** Both drawings of an emoji are in one half. */
const halfOf = ({ id }: Picture): number => (Number(id.slice(1)) >> 1) % 2;
