/** A predicted label for every picture of the map. */
import type { AppState } from "../app-state.js";
import type { Picture } from "../picture.js";
import { knnPredict } from "../probe/knn.js";

/** By the probe if there is one, else by nearest neighbours. */
export async function predictAll(
  app: AppState,
  pictures: readonly Picture[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { probe, network } = app;
  if (probe)
    return probe.predict(network.embeddings(pictures), { topK: 1 }).map(([best]) => best!.label);
  // Each half is predicted from the other, so that no picture is its own neighbour, nor the other
  // drawing of its emoji.
  const halves = [0, 1].map((half) => pictures.filter((picture) => halfOf(picture) === half));
  const labels = new Map<string, string>();
  for (const [half, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const labelled = halves[other]!.filter(({ label }) => label !== null);
    const predictions = await knnPredict(network, labelled, halves[half]!, signal);
    predictions.forEach((prediction, i) => labels.set(halves[half]![i]!.id, prediction));
  }
  return pictures.map(({ id }) => labels.get(id) ?? "");
}

/** Both drawings of an emoji are in the same half. */
const halfOf = ({ id }: Picture): number => (Number(id.slice(1)) >> 1) % 2;
