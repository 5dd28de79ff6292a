/** Augmentations: views of a picture, and what a network learns to ignore from them. */
import { policies, type AugmentationOp, type Encoder } from "kith-web";
import { numberSetting, remember, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { drawMatrix } from "../augmentations/matrix.js";
import { viewCanvas } from "../augmentations/view-canvas.js";
import { button, choice, el, field, slider } from "../element.js";
import { controls, OPS, type Setting } from "../augmentations/controls.js";
import { debounced } from "../debounce.js";
import { loadOffer } from "../load-offer.js";
import { picker } from "../picker.js";
import { pictureElement, type Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import { errorBox } from "../error-box.js";

const SEEDS: [number, number] = [0, 9999];

/** The settings of the panel. */
interface State {
  picture: Picture;
  views: number;
  seed: number;
  preset: string;
  settings: Setting[];
}

export function augmentations(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const body = el("div", {});
  const offer = loadOffer(app, "To make views, load the program that trains the network.", closed);
  root.replaceChildren(introduction(), offer, body);
  const draw = (): void => {
    const { encoder } = app;
    if (!encoder) return body.replaceChildren(examples());
    editor(body, { app, encoder, closed }).catch((error: unknown) => {
      body.replaceChildren(errorBox(error, draw));
    });
  };
  app.on("network", draw, closed);
  draw();
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "The network is shown two views of every picture and has to tell which two belong together. ",
    "Whatever differs between two views, it learns to ignore.",
  );
}

/** Shown before the program is loaded. */
function examples(): HTMLElement {
  const src = new URL("./gallery/views.png", document.baseURI).href;
  const alt = "Six emoji, each beside eight views of it: cut out, flipped, in other colours";
  const image = el("img", { src, alt, width: 688, height: 454, class: "views-example pixelated" });
  const caption = "Six pictures, each beside eight views, as the network saw them in training.";
  return el("figure", {}, image, el("figcaption", {}, caption));
}

async function editor(
  body: HTMLElement,
  { app, encoder, closed }: { app: AppState; encoder: Encoder; closed: AbortSignal },
): Promise<void> {
  const known = await policies();
  const state: State = {
    picture: app.pictureInAddress() ?? app.gallery[0]!,
    views: numberSetting("views", 7, [2, 8]),
    seed: numberSetting("seed", 0, SEEDS),
    preset: wordSetting("policy", Object.keys(known), ""),
    settings: [],
  };
  const opsOf = (preset: string): readonly AugmentationOp[] => known[preset] ?? encoder.info.views;
  const reset = (): void => {
    state.settings = opsOf(state.preset).map((op) => ({ op, on: true }));
    parametersPlace.replaceChildren(controls(state.settings, refresh));
    refresh();
  };
  const isForeign = encoder.info.stage === "imported";
  const own = isForeign ? "simclr: its own is not known" : "as this network was trained";
  const views = el("div", {});
  const ignored = el("div", {});
  const matrix = el("div", {});
  const parametersPlace = el("div", {});
  const refresh = debounced(async (signal) => {
    remember({ seed: state.seed, views: state.views, policy: state.preset || undefined });
    try {
      ignored.replaceChildren(ignoredDifferences(state));
      await drawViews(views, { encoder, state, signal });
      const { picture, seed } = state;
      const { gallery } = app;
      await drawMatrix(matrix, { encoder, gallery, picture, ops: opsIn(state), seed, signal });
    } catch (error) {
      if (!signal.aborted) views.replaceChildren(errorBox(error, refresh));
    }
  }, closed);
  const pick = picker(
    () => app.all,
    (picture) => {
      state.picture = picture;
      remember({ picture: picture.file ? undefined : picture.id });
      refresh();
    },
  );
  body.replaceChildren(
    el(
      "div",
      { class: "editor" },
      el("div", {}, views, ignored),
      drawControls(state, known, { refresh, reset, own }),
    ),
    parametersPlace,
    el("section", {}, el("h2", {}, "A small batch"), matrix),
    el("section", {}, el("h2", {}, "Another picture"), pick.element),
  );
  reset();
}

function drawControls(
  state: State,
  known: Readonly<Record<string, unknown>>,
  { refresh, reset, own }: { refresh: () => void; reset: () => void; own: string },
): HTMLElement {
  const presets: [string, string][] = [
    ["", own],
    ...Object.keys(known).map((name) => [name, name] as [string, string]),
  ];
  const preset = choice(presets, state.preset, (name) => {
    state.preset = name;
    reset();
  });
  const seed = el("input", {
    type: "number",
    min: SEEDS[0],
    max: SEEDS[1],
    value: state.seed,
    oninput: () => {
      state.seed = Math.min(Math.max(Math.trunc(Number(seed.value)) || 0, SEEDS[0]), SEEDS[1]);
      refresh();
    },
  });
  const next = button("Other views", () => {
    state.seed = (state.seed + 1) % (SEEDS[1] + 1);
    seed.value = String(state.seed);
    refresh();
  });
  const count = slider("Views", { min: 2, max: 8, step: 1, value: state.views }, (views) => {
    state.views = views;
    refresh();
  });
  return el(
    "div",
    { class: "fields side" },
    field("Policy", preset),
    count,
    field("Seed", seed, "The same seed gives the same views, here and natively."),
    el("p", { class: "row" }, next, button("Reset the policy", reset)),
  );
}

const opsIn = ({ settings }: State): AugmentationOp[] =>
  settings.filter(({ on }) => on).map(({ op }) => op);

function ignoredDifferences(state: State): HTMLElement {
  const ignored = [...new Set(opsIn(state).map(({ op }) => OPS[op].ignores))];
  if (ignored.length === 0) {
    return el("p", {}, "Nothing differs between the views, so there is nothing to learn.");
  }
  const lines = ignored.map((text) => el("li", {}, text));
  return el(
    "div",
    {},
    el("p", {}, el("strong", {}, "The network learns to ignore")),
    el("ul", {}, ...lines),
  );
}

interface Task {
  readonly encoder: Encoder;
  readonly state: State;
  readonly signal: AbortSignal;
}

async function drawViews(container: HTMLElement, { encoder, state, signal }: Task): Promise<void> {
  const { picture, views, seed } = state;
  const pixels = await pixelsOf(picture);
  const made = await encoder.augment(pixels, { views, seed, ops: opsIn(state), signal });
  const drawn = made.map((view, index) => viewCanvas(view, `View ${index + 1} of ${picture.name}`));
  const original = el(
    "figure",
    { class: "original" },
    pictureElement(picture),
    el("figcaption", {}, picture.name),
  );
  container.replaceChildren(el("div", { class: "views" }, original, ...drawn));
}
