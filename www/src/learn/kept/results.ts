/** What came of two kept runs: numbers at their ends, with the difference. */
import type { Metric } from "kith-web";
import { percent } from "../../element.js";
import { formatMetric, shownMetrics } from "../metrics.js";
import type { Point } from "../run.js";
import { batchOf, methodOf } from "../recipe-text.js";
import type { NeighbourScores } from "../scores.js";
import type { KeptRun } from "./kept-runs.js";

/** Steps at the end of a run over which a metric is averaged: that of one batch jumps. */
export const AVERAGED = 20;

/** What has one number a step. */
export type Measured = Pick<Metric, "name" | "title" | "unit">;

export interface Result {
  readonly title: string;
  readonly values: readonly string[];
  /** The second less the first; undefined where it would say nothing. */
  readonly difference?: string | undefined;
}

const LOSS: Measured = { name: "loss", title: "Loss", unit: "loss" };
/** Metrics that mean the same whatever the method and the batch are. */
const OF_ANY_METHOD: ReadonlySet<string> = new Set([
  "probe_accuracy",
  "probe_loss",
  "feature_spread",
]);

/** The loss and the metrics that at least one of some runs shows. */
export function measured(runs: readonly KeptRun[]): Measured[] {
  const all = [LOSS, ...runs.flatMap(({ metrics }) => shownMetrics(metrics))];
  const names = [...new Set(all.map(({ name }) => name))];
  return names
    .map((name) => all.find((each) => each.name === name)!)
    .filter(({ name }) => runs.some(({ points }) => points.some((p) => !isNaN(valueOf(p, name)))));
}

/** NaN where a step has no such number. */
export const valueOf = ({ loss, metrics }: Point, name: string): number =>
  name === LOSS.name ? loss : (metrics[name] ?? NaN);

/** Whether the task was the same, so that the loss of one run can be compared with the other's. */
export const sameTask = ([a, b]: readonly [KeptRun, KeptRun]): boolean =>
  methodOf(a.recipeToml) === methodOf(b.recipeToml) &&
  batchOf(a.recipeToml) === batchOf(b.recipeToml);

export const secondsOf = ({ points }: KeptRun): number => points.at(-1)?.seconds ?? NaN;

/** All results, what the runs cost first. */
export function results(runs: readonly [KeptRun, KeptRun]): Result[] {
  const metrics = measured(runs).map((metric) => {
    const comparable = OF_ANY_METHOD.has(metric.name) || sameTask(runs);
    return result(
      metric,
      runs.map((run) => atEnd(run, metric.name)),
      comparable,
    );
  });
  return [
    count(
      "Steps",
      runs.map(({ step }) => step),
    ),
    count(
      "Pictures seen",
      runs.map(({ step, recipeToml }) => step * batchOf(recipeToml)),
    ),
    count("Seconds of training", runs.map(secondsOf)),
    ...scores(runs),
    ...metrics,
  ];
}

/** The mean over the last steps that have such a number. */
function atEnd({ points }: KeptRun, name: string): number {
  const last = points.slice(-AVERAGED).map((point) => valueOf(point, name));
  const known = last.filter((value) => !isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

const SCORES: Readonly<Record<keyof NeighbourScores, string>> = {
  otherVendor: "The other vendor's drawing is nearest",
  sameClass: "The nearest picture is of the same class",
};

function scores(runs: readonly [KeptRun, KeptRun]): Result[] {
  return (Object.keys(SCORES) as (keyof NeighbourScores)[]).flatMap((name) => {
    const [a, b] = runs.map((run) => run.scores[name]);
    if (!a && !b) return [];
    const title = `${SCORES[name]}, of ${(a ?? b)!.of} pictures`;
    const same = a?.of === b?.of && runs[0].source === runs[1].source;
    return [result({ title, unit: "share" }, [a?.share ?? NaN, b?.share ?? NaN], same)];
  });
}

type Unit = Pick<Metric, "title" | "unit">;

function result(metric: Unit, values: readonly number[], comparable: boolean): Result {
  const [a = NaN, b = NaN] = values;
  const { title, unit } = metric;
  const by = b - a;
  const known = comparable && !isNaN(by);
  const said =
    unit === "share" ? `${signed(100 * by, 1)} points` : signed(by, unit === "steps" ? 0 : 3);
  return {
    title,
    values: values.map((value) => (isNaN(value) ? "none" : formatted(unit, value))),
    difference: known ? said : undefined,
  };
}

const formatted = (unit: Metric["unit"], value: number): string =>
  unit === "share" ? percent(value) : formatMetric({ unit } as Metric, value);

function count(title: string, values: readonly number[]): Result {
  const [a = NaN, b = NaN] = values;
  const words = (value: number): string =>
    isNaN(value) ? "not known" : Math.round(value).toLocaleString("en");
  const by = Math.round(b) - Math.round(a);
  return {
    title,
    values: values.map(words),
    difference: isNaN(by) ? undefined : signed(by, 0),
  };
}

/** With its sign, and a minus that is as wide as a plus. */
function signed(value: number, digits: number): string {
  const size = Math.abs(value).toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  if (Number(size.replaceAll(",", "")) === 0) return size;
  return `${value < 0 ? "−" : "+"}${size}`;
}
