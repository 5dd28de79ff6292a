/** Which metrics of a training step the page shows, and how. */
import { percent } from "../element.js";

export interface MetricDescription {
  readonly name: string;
  readonly title: string;
  readonly unit: "share" | "steps";
  readonly better: "higher" | "lower";
}

/**
 * In the order in which they are shown; a step reports those of its objective. The first share that a
 * step reports is drawn as a curve. This list is to come from the package.
 */
export const METRICS: readonly MetricDescription[] = [
  { name: "contrastive_accuracy", title: "Finds the other view", unit: "share", better: "higher" },
  { name: "pair_accuracy", title: "Tells pairs apart", unit: "share", better: "higher" },
  { name: "probe_accuracy", title: "Online probe", unit: "share", better: "higher" },
  { name: "queue_age", title: "Age of neighbours in the queue", unit: "steps", better: "lower" },
  {
    name: "neighbour_agreement",
    title: "Neighbours of the same class",
    unit: "share",
    better: "higher",
  },
];

export type Metrics = Readonly<Record<string, number>>;

/** The metrics of a step, with the share of neighbours of the same class computed from its counts. */
export function withAgreement(metrics: Metrics): Metrics {
  const { neighbours_agreeing: agreeing, neighbours_known: known } = metrics;
  if (agreeing === undefined || known === undefined) return metrics;
  return { ...metrics, neighbour_agreement: agreeing / (known || NaN) };
}

/** A value in its unit. */
export const formatMetric = ({ unit }: MetricDescription, value: number): string =>
  unit === "share" ? percent(value) : `${value.toFixed(0)} ${unit}`;
