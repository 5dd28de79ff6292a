/** Which metrics of a training step the page shows, and how. */
import type { Metric } from "kith-web";
import { percent } from "../element.js";

export type Metrics = Readonly<Record<string, number>>;

/** The share of neighbours of the same class, computed from two counts of a step. */
const AGREEMENT: Metric = {
  name: "neighbour_agreement",
  title: "Neighbours of the same class",
  word: "neighbours",
  unit: "share",
  better: "higher",
  shown: "report",
};

/** What a run shows of what it measures: all but its loss, which has a curve of its own. */
export function shownMetrics(metrics: readonly Metric[]): Metric[] {
  const shown = metrics.filter(({ name, shown }) => name !== "loss" && shown !== "file");
  const counted = metrics.some(({ name }) => name === "neighbours_known");
  return counted ? [...shown, AGREEMENT] : shown;
}

/** The metrics of a step, with the share of neighbours of the same class. */
export function withAgreement(metrics: Metrics): Metrics {
  const { neighbours_agreeing: agreeing, neighbours_known: known } = metrics;
  if (agreeing === undefined || known === undefined) return metrics;
  return { ...metrics, [AGREEMENT.name]: agreeing / (known || NaN) };
}

/** A value in its unit. */
export function formatMetric({ unit }: Metric, value: number): string {
  if (unit === "share") return percent(value);
  return unit === "steps" ? `${value.toFixed(0)} steps` : value.toFixed(3);
}
