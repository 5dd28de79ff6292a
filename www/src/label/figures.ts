/** How good the guesses are, by the number of labels. */
import { chart } from "../chart.js";
import { el, percent } from "../element.js";
import { statistic } from "../probe/results.js";
import type { Labelling } from "./labelling.js";
import type { Count } from "./learning.js";
import { isOpen, measures, teaches } from "./mark.js";
import { wilson } from "./wilson.js";

/** Labels that are set aside from which on they are measured on. */
export const ENOUGH_ASIDE = 10;

export function figures(labelling: Labelling): HTMLElement {
  const numbers = el("dl", { class: "numbers" });
  const curves = [
    { name: "labels set aside", colour: "#d55e00" },
    { name: "cross-validated", colour: "#0072b2", dash: [6, 4] },
  ];
  const curve = chart("Accuracy by the number of labels", "labels", curves, true);
  const curvePlace = el("div", { class: "label-curve", hidden: true }, curve.element);
  const draw = (): void => numbers.replaceChildren(labels(labelling), accuracy(labelling));
  // The empty chart is drawn now, so that the first point takes little time.
  void curve.ready();
  let last = -1;
  labelling.on("labels", draw);
  labelling.on("learnt", () => {
    draw();
    const { learnt } = labelling;
    if (!learnt || learnt.labels <= last) return;
    last = learnt.labels;
    curvePlace.hidden = false;
    const aside = learnt.aside.count >= ENOUGH_ASIDE ? shareOf(learnt.aside) : null;
    curve.add(learnt.labels, [aside, learnt.crossValidated]);
  });
  draw();
  return el("div", { class: "label-figures" }, numbers, curvePlace);
}

function labels({ pictures }: Labelling): HTMLElement {
  const count = (which: typeof isOpen): number => pictures.filter(which).length;
  const [given, aside] = [count(teaches), count(measures)];
  const unknown = count(({ unknown = false }) => unknown);
  const rest = `${aside} set aside, ${unknown} unknown, ${count(isOpen)} left`;
  return statistic("Labels", String(given + aside), rest);
}

function accuracy({ learnt }: Labelling): HTMLElement {
  if (!learnt) {
    const words = "two classes need labels before anything can be learnt";
    return statistic("Accuracy", "not known", words);
  }
  const { aside, crossValidated, labels } = learnt;
  if (aside.count >= ENOUGH_ASIDE) {
    return statistic("Accuracy on the labels set aside", percent(shareOf(aside)), interval(aside));
  }
  const few = `${ENOUGH_ASIDE} labels set aside are needed to measure on; there are ${aside.count}`;
  if (crossValidated === null) {
    return statistic("Accuracy", "not known", `a class has only one label to learn from; ${few}`);
  }
  const words = `of ${labels} labels, each guessed by a probe that has not seen it; ${few}`;
  return statistic("Cross-validated accuracy", percent(crossValidated), words);
}

const shareOf = ({ right, count }: Count): number => right / count;

/** The 95 % interval of a share in words. */
export function interval({ right, count }: Count): string {
  const { low, high } = wilson(right, count);
  const whole = (share: number): string => (100 * share).toFixed(0);
  return `${right} of ${count}; 95 % interval ${whole(low)} to ${whole(high)} %`;
}
