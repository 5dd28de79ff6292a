/**
 * Probe: how well a few labels classify the other pictures, with the embeddings of this network.
 */
import { numberSetting, remember, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, el, slider } from "../element.js";
import { debounced } from "../debounce.js";
import { keptLine } from "../own/kept-line.js";
import { embedOwn, takePictures } from "../own/take.js";
import { gallerySplit, userSplit, type Split } from "../probe/split.js";
import { classes } from "../probe/classes.js";
import { showKnnResults } from "../probe/results.js";
import { training } from "../probe/training.js";
import { predictView } from "../probe/predict.js";
import { errorBox } from "../error-box.js";

/** Labels per class at the stops of the slider; the last means all. */
const STOPS = [1, 2, 5, 10, 25, 50, 100, Infinity];
const SEEDS: [number, number] = [0, 9999];

type Source = "categories" | "own";

interface State {
  source: Source;
  stop: number;
  seed: number;
  run: { stop(): void } | undefined;
}

export function probe(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const state: State = {
    source: wordSetting("labels", ["categories", "own"], "categories"),
    stop: numberSetting("perclass", 3, [0, STOPS.length - 1]),
    seed: numberSetting("draw", 0, SEEDS),
    run: undefined,
  };
  const split = (): Split =>
    state.source === "own" ? userSplit(app) : gallerySplit(app, STOPS[state.stop]!, state.seed);
  const results = el("div", { class: "results" });
  const numbers = el("dl", { class: "numbers" });
  const updateResults = debounced(async (signal) => {
    try {
      await showKnnResults(results, numbers, { app, split: split(), signal });
    } catch (error) {
      results.replaceChildren(errorBox(error, updateResults));
    }
  }, closed);
  const choices = el("div", {});
  const drawChoices = (): void => {
    choices.replaceChildren(
      controls(app, state, { onChange: updateResults, redraw: drawChoices, closed }),
    );
    updateResults();
  };
  app.on("network", updateResults, closed);
  app.on("pictures", () => state.source === "own" && updateResults(), closed);
  closed.addEventListener("abort", () => state.run?.stop());
  root.replaceChildren(
    introduction(app),
    choices,
    el("div", { role: "status" }, numbers),
    training(app, { state, split, results, numbers, closed }),
    results,
    el("section", {}, el("h2", {}, "Use it"), predictView(app, closed)),
  );
  drawChoices();
}

function introduction({ network, encoder }: AppState): HTMLElement {
  const stage = (encoder?.info ?? network.metadata?.info)?.stage;
  const how = stage === "pretrained" ? "The network was trained without labels. " : "";
  const what =
    "Label a few pictures and see how well the network's embeddings classify the others.";
  return el("p", { class: "lead" }, how, what);
}

interface Controls {
  readonly onChange: () => void;
  readonly redraw: () => void;
  readonly closed: AbortSignal;
}

function controls(
  app: AppState,
  state: State,
  { onChange, redraw, closed }: Controls,
): HTMLElement {
  const source = (value: Source, text: string): HTMLElement => {
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
    return el("label", { class: "check" }, input, text);
  };
  const choose = el(
    "p",
    { class: "row" },
    source("categories", "Emoji categories"),
    source("own", "Your own classes"),
  );
  return el(
    "div",
    {},
    choose,
    state.source === "own" ? userControls(app, onChange, closed) : budgetControls(state, onChange),
  );
}

function userControls(app: AppState, onChange: () => void, closed: AbortSignal): HTMLElement {
  const status = el("div", {});
  const take = (files: readonly File[], label: string | null): void => {
    takePictures(app, files, { status, label });
    onChange();
  };
  // Pictures of an earlier visit have labels, but no embeddings yet.
  const missing = app.userPictures.some((picture) => !app.network.hasEmbedding(picture));
  if (missing) embedOwn(app, status, async () => onChange());
  return el("div", {}, classes(app, { take, onChange, closed }), status, keptLine(app, closed));
}

function budgetControls(state: State, onChange: () => void): HTMLElement {
  const text = (stop: number): string => (STOPS[stop] === Infinity ? "all" : String(STOPS[stop]));
  const stops = { min: 0, max: STOPS.length - 1, step: 1, value: state.stop };
  const labels = slider(
    "Labels per category",
    stops,
    (stop) => {
      state.stop = stop;
      remember({ perclass: stop });
      onChange();
    },
    text,
  );
  const again = button("Other labels", () => {
    state.seed = (state.seed + 1) % (SEEDS[1] + 1);
    remember({ draw: state.seed });
    onChange();
  });
  return el("div", { class: "fields" }, labels, el("p", {}, again));
}
