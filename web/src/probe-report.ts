/** The report of a saved probe: how JSON holds it, and how it is checked when it is read. */
import { list, text, whole, within, wrong } from "./checks.js";
import type { ProbeReport } from "./types.js";

export type SavedReport = Omit<ProbeReport, "confusion"> & {
  readonly confusion: { readonly labels: readonly string[]; readonly counts: readonly number[] };
};

/** A report as JSON holds it. */
export function savedReport({ confusion, ...rest }: ProbeReport): SavedReport {
  return { ...rest, confusion: { labels: confusion.labels, counts: [...confusion.counts] } };
}

/** A report that was read. Errors: `SETTING`, or whatever taking it apart throws. */
export function readReport(saved: SavedReport): ProbeReport {
  const labels = words("confusion label", saved.confusion.labels);
  const counts = new Uint32Array(wholes("counts", saved.confusion.counts));
  if (counts.length !== labels.length ** 2) throw wrong("counts", counts, "one a pair of labels");
  return {
    ...measured(saved),
    measuredOn: text("measuredOn", saved.measuredOn) as ProbeReport["measuredOn"],
    perClass: saved.perClass.map((one) => ({
      ...measured(one),
      label: text("label", one.label),
      count: whole("count", one.count, 0),
    })),
    confusion: { labels, counts },
    misclassified: wholes("misclassified", saved.misclassified),
    validation: wholes("validation", saved.validation),
  };
}

/** Strings, whatever holes the array has. */
export const words = (name: string, all: readonly string[]): readonly string[] =>
  Array.from(list(`${name}s`, all), (one, place) => text(`${name} ${place}`, one));

const wholes = (name: string, all: readonly number[]): readonly number[] =>
  list(name, all).map((x) => whole(name, x, 0));

/** JSON has no NaN, which is the accuracy where no picture was measured. */
const measured = <T extends { readonly accuracy: number }>(of: T): T => ({
  ...of,
  accuracy: of.accuracy === null ? NaN : within("accuracy", of.accuracy, [0, 1]),
});
