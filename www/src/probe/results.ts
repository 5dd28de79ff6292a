/** Results of a classifier: figures, a bar per class, and the confusion matrix. */
import type { AppState } from "../app-state.js";
import { el, percent } from "../element.js";
import { grid } from "../grid.js";
import type { Picture } from "../picture.js";
import type { Network } from "../network.js";
import type { Split } from "./split.js";
import { hasEnoughClasses } from "./classes.js";
import { accuracyBars, confusionTable } from "./confusion.js";
import { evaluate, type Evaluation } from "./evaluation.js";
import { knnPredict } from "./knn.js";

interface KnnTask {
  readonly app: AppState;
  readonly split: Split;
  readonly signal: AbortSignal;
}

/** Shows the results of nearest neighbours, for the open network and for the untrained one. */
export async function showKnnResults(
  results: HTMLElement,
  numbers: HTMLElement,
  task: KnnTask,
): Promise<void> {
  const { app, signal } = task;
  const { labelled, test } = withTestSet(task.split);
  if (!hasEnoughClasses(labelled.map(({ label }) => label!)) || test.length === 0) {
    numbers.replaceChildren();
    results.replaceChildren(
      el(
        "p",
        { class: "aside" },
        "No results yet. Two classes with a few pictures each are the least: some of them teach, the others test what was learnt.",
      ),
    );
    return;
  }
  const evaluateWith = async (network: Network): Promise<Evaluation> =>
    evaluate(
      test.map(({ label }) => label!),
      await knnPredict(network, labelled, test, signal),
    );
  const evaluation = await evaluateWith(app.network);
  if (signal.aborted) return;
  const sizes = `${labelled.length} labels, ${test.length} test pictures`;
  const nearest = statistic("Nearest neighbours", percent(evaluation.accuracy), sizes);
  const largest = statistic("Always the largest class", percent(largestShare(test)));
  numbers.replaceChildren(nearest, largest);
  drawResults(results, "By the nearest labelled pictures", evaluation, test);
  if (app.network === app.random || !test.every((picture) => app.random.hasEmbedding(picture)))
    return;
  const before = await evaluateWith(app.random);
  if (signal.aborted) return;
  nearest.after(statistic("Nearest neighbours, untrained network", percent(before.accuracy)));
}

/** Without test pictures, every second labelled one becomes a test picture. */
function withTestSet({ labelled, test }: Split): Split {
  if (test.length > 0) return { labelled, test };
  return {
    labelled: labelled.filter((_, index) => index % 2 === 0),
    test: labelled.filter((_, index) => index % 2 === 1),
  };
}

function largestShare(pictures: readonly Picture[]): number {
  const counts = new Map<string, number>();
  for (const { label } of pictures) counts.set(label!, (counts.get(label!) ?? 0) + 1);
  return Math.max(...counts.values()) / pictures.length;
}

export function statistic(name: string, value: string, note?: string): HTMLElement {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value, note && el("small", {}, note)));
}

export function drawResults(
  container: HTMLElement,
  title: string,
  evaluation: Evaluation,
  pictures: readonly Picture[],
): void {
  const opened = el("div", { class: "opened" });
  const open = (text: string, indices: readonly number[]): void => {
    const cells = indices.map((each) => ({ picture: pictures[each]! }));
    opened.replaceChildren(
      el("h3", { tabindex: -1 }, text),
      grid(text, cells, () => {}),
    );
    opened.querySelector("h3")!.focus();
  };
  container.replaceChildren(
    el("h2", {}, title),
    el(
      "div",
      { class: "results-grid" },
      accuracyBars(evaluation),
      confusionTable(evaluation, open),
    ),
    opened,
  );
}
