/** The curves and figures of a run. */
import type { PretrainStep } from "kith-web";
import { chart } from "../chart.js";
import { el, percent } from "../element.js";
import type { SavedRun, Point, RunConfig } from "./run.js";
import { textOf } from "./objectives.js";

export interface Curves {
  readonly element: HTMLElement;
  /** Draws a step. */
  told(step: PretrainStep): Point;
  /** Once they stand, empty. */
  ready(): Promise<unknown>;
}

/** Empty, or as far as a run came before. */
export function curves({ points, config }: Pick<SavedRun, "config" | "points">): Curves {
  const loss = chart("Loss", "step", [{ name: "loss", colour: "#0072b2" }]);
  const accuracy = chart(
    textOf(config.objective).curve,
    "step",
    [{ name: "accuracy", colour: "#d55e00" }],
    true,
  );
  const figures = el("dl", { class: "numbers" });
  const add = ({ step, loss: own, accuracy: share }: Point): void => {
    loss.add(step, [own]);
    accuracy.add(step, [share]);
  };
  points.forEach(add);
  const told = (step: PretrainStep): Point => {
    const point = {
      step: step.step,
      loss: step.loss,
      accuracy: accuracyOf(step),
    };
    add(point);
    drawFigures(figures, lines(step, config));
    return point;
  };
  drawFigures(
    figures,
    lines(NOTHING, config).map(([name]) => [name, "…"]),
  );
  return {
    element: el("div", {}, figures, el("div", { class: "charts" }, loss.element, accuracy.element)),
    told,
    ready: () => Promise.all([loss.ready(), accuracy.ready()]),
  };
}

/** How much of its task is solved, by the objective's own measure. */
const accuracyOf = ({ metrics }: PretrainStep): number =>
  metrics["contrastive_accuracy"] ?? metrics["pair_accuracy"] ?? NaN;

/** Before the first step: what will be measured. */
const NOTHING: PretrainStep = { step: 0, total: 0, epoch: 0, loss: NaN, metrics: {}, ms: 0 };

function drawFigures(container: HTMLElement, all: readonly (readonly [string, string])[]): void {
  const figure = ([name, value]: readonly [string, string]): HTMLElement =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value));
  container.replaceChildren(...all.map(figure));
}

function lines(step: PretrainStep, { objective }: RunConfig): [string, string][] {
  const { metrics, ms, total, loss } = step;
  const share = (name: string): string => percent(metrics[name] ?? NaN);
  const agreeing = (metrics["neighbours_agreeing"] ?? NaN) / (metrics["neighbours_known"] || NaN);
  const left = Math.round(((total - step.step) * ms) / 60_000);
  return [
    ["Step", `${step.step} of ${total}`],
    ["Loss", loss.toFixed(3)],
    [textOf(objective).accuracy, percent(accuracyOf(step))],
    ...(metrics["probe_accuracy"] === undefined
      ? []
      : [["Probe on the side", share("probe_accuracy")] as [string, string]]),
    ...(objective === "nnclr"
      ? ([
          ["Age of the neighbours in the queue", `${(metrics["queue_age"] ?? 0).toFixed(0)} steps`],
          ["Neighbours of the same class", percent(agreeing)],
        ] as [string, string][])
      : []),
    ["A step takes", `${ms.toFixed(0)} ms`],
    ["Left", left < 1 ? "less than a minute" : `about ${left} min`],
  ];
}
