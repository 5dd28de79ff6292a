/** How well predictions meet the truth, class by class. */
import type { ProbeReport } from "./types.js";

interface Measured extends Pick<ProbeReport, "validation" | "measuredOn"> {
  /** Of the pictures, in what was given. */
  readonly places: readonly number[];
}

/** A report of predictions for the pictures at `places`; classes are numbers of `labels`. */
export function reportOf(
  labels: readonly string[],
  truth: readonly number[],
  predicted: readonly number[],
  { places, validation, measuredOn }: Measured,
): ProbeReport {
  const classes = labels.length;
  const counts = new Uint32Array(classes * classes);
  truth.forEach((own, i) => (counts[own * classes + predicted[i]!]! += 1));
  const right = (label: number): number => counts[label * classes + label]!;
  const of = (label: number): number =>
    counts.subarray(label * classes, (label + 1) * classes).reduce((a, b) => a + b, 0);
  const hits = labels.reduce((sum, _, label) => sum + right(label), 0);
  return {
    accuracy: truth.length > 0 ? hits / truth.length : NaN,
    measuredOn,
    perClass: labels.map((label, place) => {
      const count = of(place);
      return { label, accuracy: count > 0 ? right(place) / count : NaN, count };
    }),
    confusion: { labels, counts },
    misclassified: places.filter((_, i) => truth[i] !== predicted[i]),
    validation,
  };
}
