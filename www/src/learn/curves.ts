/** Curves and figures of a run. */
import type { Metric, PretrainStep } from "kith-web";
import { chart } from "../chart.js";
import { el } from "../element.js";
import { formatMetric, shownMetrics, withAgreement } from "./metrics.js";
import type { Point } from "./run.js";

export interface Curves {
  readonly element: HTMLElement;
  /** Adds a step to the curves and shows its figures. */
  add(step: PretrainStep): Point;
  /** Resolves when the charts are drawn, still empty. */
  ready(): Promise<unknown>;
}

/** A name, its value, and what there is to say of it. */
export type Figure = readonly [title: string, value: string, note?: string];

/** Starts with the points of a resumed run, if there are any. */
export function curves(points: readonly Point[], metrics: readonly Metric[]): Curves {
  const shown = shownMetrics(metrics);
  const loss = chart("Loss", "step", [{ name: "loss", colour: "#0072b2" }]);
  const series = [{ name: "accuracy", colour: "#d55e00" }];
  const accuracy = chart("Accuracy on the training task", "step", series, true);
  const figures = el("dl", { class: "numbers" });
  let seconds = 0;
  const addPoint = (point: Point): void => {
    ({ seconds } = point);
    loss.add(point.step, [point.loss]);
    accuracy.add(point.step, [point.accuracy]);
  };
  const add = (step: PretrainStep): Point => {
    const values = withAgreement(step.metrics);
    const reported = shown.filter(({ name }) => values[name] !== undefined);
    const main = reported.find(({ unit }) => unit === "share");
    const point = {
      step: step.step,
      loss: step.loss,
      accuracy: main ? values[main.name]! : NaN,
      metrics: values,
      seconds: seconds + step.ms / 1000,
    };
    addPoint(point);
    const [before, after] = figuresOf(step);
    const measured = reported.map((each): Figure => [
      each.title,
      formatMetric(each, values[each.name]!),
    ]);
    drawFigures(figures, [...before, ...measured, ...after]);
    return point;
  };
  points.forEach(addPoint);
  drawFigures(figures, [["Step", "…"]]);
  return {
    element: el("div", {}, figures, el("div", { class: "charts" }, loss.element, accuracy.element)),
    add,
    ready: () => Promise.all([loss.ready(), accuracy.ready()]),
  };
}

/** Figures that every run has, shown before and after the metrics. */
export function figuresOf({ step, total, loss, ms }: PretrainStep): [Figure[], Figure[]] {
  const minutes = Math.round(((total - step) * ms) / 60_000);
  const left = minutes < 1 ? "less than a minute" : `about ${minutes} min`;
  return [
    [
      ["Step", `${step} of ${total}`],
      ["Loss", loss.toFixed(3)],
    ],
    [
      ["Time per step", `${ms.toFixed(0)} ms`],
      ...(step < total ? [["Time left", left] satisfies Figure] : []),
    ],
  ];
}

export function drawFigures(container: HTMLElement, figures: readonly Figure[]): void {
  const figure = ([title, value, note]: Figure): HTMLElement =>
    el("div", {}, el("dt", {}, title), el("dd", {}, value, note && el("small", {}, note)));
  container.replaceChildren(...figures.map(figure));
}
