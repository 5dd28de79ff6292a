/** A confusion matrix whose cells open their pictures, and a bar for each class. */
import { el, percent } from "../element.js";
import type { Evaluation } from "./evaluation.js";

/** Rows are the true classes, columns the predicted ones. */
export function confusionTable(
  evaluation: Evaluation,
  onOpen: (title: string, indices: readonly number[]) => void,
) {
  const { labels } = evaluation;
  const head = labels.map((label) => el("th", { scope: "col" }, el("span", {}, label)));
  const rows = labels.map((truth) => {
    const total = labels.reduce(
      (sum, predicted) => sum + evaluation.at(truth, predicted).length,
      0,
    );
    const cells = labels.map((predicted) =>
      confusionCell([truth, predicted], evaluation.at(truth, predicted), { total, onOpen }),
    );
    return el("tr", {}, el("th", { scope: "row" }, truth), ...cells);
  });
  return el(
    "div",
    { class: "wide" },
    el(
      "table",
      { class: "confusion" },
      el(
        "caption",
        {},
        "True classes (rows) and predicted classes (columns). A number opens its pictures.",
      ),
      el("thead", {}, el("tr", {}, el("td", {}), ...head)),
      el("tbody", {}, ...rows),
    ),
  );
}

function confusionCell(
  [truth, predicted]: [string, string],
  indices: readonly number[],
  more: { total: number; onOpen: (title: string, indices: readonly number[]) => void },
): HTMLElement {
  const cell = el("td", { class: truth === predicted ? "diagonal" : "" });
  if (indices.length === 0) return cell;
  cell.style.setProperty("--share", String((0.75 * indices.length) / more.total));
  const title = truth === predicted ? `${truth}, correct` : `${truth}, predicted as ${predicted}`;
  const onclick = (): void => more.onOpen(title, indices);
  const text = `${indices.length}: ${title}`;
  cell.append(
    el("button", { type: "button", onclick, "aria-label": text }, String(indices.length)),
  );
  return cell;
}

/** One bar per class: the share of its pictures that was predicted correctly. */
export function accuracyBars({ perClass }: Evaluation): HTMLElement {
  const lines = perClass.map(({ label, accuracy, count }) => {
    const bar = el("span", { class: "share", "aria-hidden": "true" });
    bar.style.setProperty("--share", String(Number.isFinite(accuracy) ? accuracy : 0));
    const text = count > 0 ? percent(accuracy) : "none";
    return el("li", {}, el("span", {}, label), bar, el("span", { class: "number" }, text));
  });
  return el("ul", { class: "bars" }, ...lines);
}
