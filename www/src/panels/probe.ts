/** Probe: how much a handful of labels says about everything else, through this network. */
import { number, remember, setting } from "../address.js";
import type { Desk } from "../desk.js";
import { button, el, slider } from "../element.js";
import { latest } from "../latest.js";
import { loading } from "../loading.js";
import { categories, ownClasses, type Material } from "../probe/budget.js";
import { classes } from "../probe/classes.js";
import { votes } from "../probe/results.js";
import { training } from "../probe/training.js";
import { trying } from "../probe/trying.js";
import { trouble } from "../trouble.js";
import { shownWork } from "../work.js";

/** Labels a class that the slider stops at; the last means all. */
const STOPS = [1, 2, 5, 10, 25, 50, 100, Infinity];
const SEEDS: [number, number] = [0, 9999];

type Source = "categories" | "own";

interface State {
  source: Source;
  stop: number;
  seed: number;
  run: { stop(): void } | undefined;
}

export function probe(root: HTMLElement, desk: Desk, left: AbortSignal): void {
  const state: State = {
    source: setting("labels", "categories") === "own" ? "own" : "categories",
    stop: number("perclass", 3, [0, STOPS.length - 1]),
    seed: number("draw", 0, SEEDS),
    run: undefined,
  };
  const material = (): Material =>
    state.source === "own" ? ownClasses(desk) : categories(desk, STOPS[state.stop]!, state.seed);
  const results = el("div", { class: "results" });
  const numbers = el("dl", { class: "numbers" });
  const count = latest(async (signal) => {
    try {
      await votes(results, numbers, { desk, material: material(), signal });
    } catch (error) {
      results.replaceChildren(trouble(error, count));
    }
  }, left);
  const choices = el("div", {});
  const drawChoices = (): void => {
    choices.replaceChildren(controls(desk, state, { changed: count, redraw: drawChoices, left }));
    count();
  };
  desk.on("sight", count, left);
  desk.on("pictures", () => state.source === "own" && count(), left);
  left.addEventListener("abort", () => state.run?.stop());
  root.replaceChildren(
    introduction(),
    choices,
    el("div", { role: "status" }, numbers),
    training(desk, { state, material, results, numbers, left }),
    results,
    el("section", {}, el("h2", {}, "Use it"), trying(desk, left)),
  );
  drawChoices();
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "The network never saw a label. Give a few now: what it learnt tells the other pictures apart.",
  );
}

interface Controls {
  readonly changed: () => void;
  readonly redraw: () => void;
  readonly left: AbortSignal;
}

function controls(desk: Desk, state: State, { changed, redraw, left }: Controls): HTMLElement {
  const source = (value: Source, words: string): HTMLElement => {
    const input = el("input", {
      type: "radio",
      name: "source",
      checked: state.source === value,
      onchange: () => {
        state.source = value;
        remember({ labels: value === "own" ? value : undefined });
        redraw();
      },
    });
    return el("label", { class: "check" }, input, words);
  };
  const choose = el(
    "p",
    { class: "row" },
    source("categories", "Categories of the emoji"),
    source("own", "Classes of your own"),
  );
  return el(
    "div",
    {},
    choose,
    state.source === "own" ? own(desk, changed, left) : budget(state, changed),
  );
}

function own(desk: Desk, changed: () => void, left: AbortSignal): HTMLElement {
  const offer = loading(
    desk,
    "To look at pictures of your own, the network itself is needed.",
    left,
  );
  const work = el("div", {});
  const look = (): void => {
    if (desk.encoder) void shownWork(work, "Looking at your pictures", (call) => desk.look(call));
    changed();
  };
  return el("div", {}, offer, classes(desk, look, left), work);
}

function budget(state: State, changed: () => void): HTMLElement {
  const words = (stop: number): string => (STOPS[stop] === Infinity ? "all" : String(STOPS[stop]));
  const stops = { min: 0, max: STOPS.length - 1, step: 1, value: state.stop };
  const labels = slider(
    "Labels a category",
    stops,
    (stop) => {
      state.stop = stop;
      remember({ perclass: stop });
      changed();
    },
    words,
  );
  const again = button("Other labels", () => {
    state.seed = (state.seed + 1) % (SEEDS[1] + 1);
    remember({ draw: state.seed });
    changed();
  });
  return el("div", { class: "fields" }, labels, el("p", {}, again));
}
