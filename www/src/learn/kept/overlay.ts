/** The curves of two kept runs over each other, a chart for each metric. */
import { chart, type Curve } from "../../chart.js";
import { el } from "../../element.js";
import type { KeptRun } from "./kept-runs.js";
import { measured, valueOf, type Measured } from "./results.js";
import { titleOf } from "./titles.js";

export type Along = "step" | "seconds";

/** Colours that colour-blind people tell apart; the dashes do without colours. */
const LOOKS: readonly Omit<Curve, "name">[] = [
  { colour: "#0072b2" },
  { colour: "#d55e00", dash: [6, 4] },
];

/** The charts; along seconds, each run takes as long as it took. */
export function overlay(runs: readonly [KeptRun, KeptRun], along: Along): HTMLElement {
  const charts = measured(runs).map((metric) => chartOf(runs, metric, along));
  return el("div", { class: "charts" }, ...charts);
}

function chartOf(runs: readonly KeptRun[], metric: Measured, along: Along): HTMLElement {
  const curves = runs.map((run, place) => ({ name: titleOf(run), ...LOOKS[place]! }));
  const { element, add } = chart(metric.title, along, curves, metric.unit === "share");
  for (const [x, values] of merged(runs, metric.name, along)) add(x, values);
  return element;
}

/** Places along the axis with a value for each run; `null` where a run has none there. */
function merged(runs: readonly KeptRun[], name: string, along: Along) {
  const rows = new Map<number, (number | null)[]>();
  for (const [place, { points }] of runs.entries()) {
    for (const point of points) {
      const [x, value] = [point[along], valueOf(point, name)];
      if (isNaN(x) || isNaN(value)) continue;
      if (!rows.has(x))
        rows.set(
          x,
          runs.map(() => null),
        );
      rows.get(x)![place] = value;
    }
  }
  return [...rows].sort(([a], [b]) => a - b);
}
