/** Augmentations: views of a picture, and what a network that is shown them is asked to ignore. */
import { policies, type AugmentationOp, type Encoder } from "kith-web";
import { number, remember, setting } from "../address.js";
import type { Desk } from "../desk.js";
import { drawMatrix } from "../augmentations/matrix.js";
import { canvasOf } from "../augmentations/view.js";
import { button, choice, el, field, slider } from "../element.js";
import { controls, OPS, type Setting } from "../augmentations/knobs.js";
import { latest } from "../latest.js";
import { loading } from "../loading.js";
import { picker } from "../picker.js";
import { shown, type Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import { trouble } from "../trouble.js";

const SEEDS: [number, number] = [0, 9999];

/** What the panel shows, as its controls have it. */
interface State {
  picture: Picture;
  views: number;
  seed: number;
  preset: string;
  settings: Setting[];
}

export function augmentations(root: HTMLElement, desk: Desk, left: AbortSignal): void {
  const body = el("div", {});
  const offer = loading(desk, "Views are made by the program that trains the network.", left);
  root.replaceChildren(introduction(), offer, body);
  const draw = (): void => {
    const { encoder } = desk;
    if (!encoder) return body.replaceChildren(examples());
    workshop(body, { desk, encoder, left }).catch((error: unknown) => {
      body.replaceChildren(trouble(error, draw));
    });
  };
  desk.on("sight", draw, left);
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

/** What there is to see before the program is loaded. */
function examples(): HTMLElement {
  const src = new URL("./gallery/views.png", document.baseURI).href;
  const alt = "Six emoji, each beside eight views of it: cut out, flipped, in other colours";
  const image = el("img", { src, alt, width: 688, height: 454, class: "views-example pixelated" });
  const caption = "Six pictures, each beside eight views, as the network saw them while it learnt.";
  return el("figure", {}, image, el("figcaption", {}, caption));
}

async function workshop(
  body: HTMLElement,
  { desk, encoder, left }: { desk: Desk; encoder: Encoder; left: AbortSignal },
): Promise<void> {
  const known = await policies();
  const state: State = {
    picture: desk.picture(setting("picture", "")) ?? desk.gallery[0]!,
    views: number("views", 7, [2, 8]),
    seed: number("seed", 0, SEEDS),
    preset: setting("policy", ""),
    settings: [],
  };
  const opsOf = (preset: string): readonly AugmentationOp[] => known[preset] ?? encoder.info.views;
  const reset = (): void => {
    state.settings = opsOf(state.preset).map((op) => ({ op, on: true }));
    knobs.replaceChildren(controls(state.settings, renew));
    renew();
  };
  const views = el("div", {});
  const ignored = el("div", {});
  const matrix = el("div", {});
  const knobs = el("div", {});
  const renew = latest(async (signal) => {
    remember({ seed: state.seed, views: state.views, policy: state.preset || undefined });
    try {
      ignored.replaceChildren(asked(state));
      await drawViews(views, { encoder, state, signal });
      const { picture, seed } = state;
      const { gallery } = desk;
      await drawMatrix(matrix, { encoder, gallery, picture, ops: opsIn(state), seed, signal });
    } catch (error) {
      if (!signal.aborted) views.replaceChildren(trouble(error, renew));
    }
  }, left);
  const pick = picker(
    () => desk.all,
    (picture) => {
      state.picture = picture;
      remember({ picture: picture.file ? undefined : picture.id });
      renew();
    },
  );
  body.replaceChildren(
    el(
      "div",
      { class: "bench" },
      el("div", {}, views, ignored),
      drawControls(state, known, { renew, reset }),
    ),
    knobs,
    el("section", {}, el("h2", {}, "A small batch"), matrix),
    el("section", {}, el("h2", {}, "Another picture"), pick.element),
  );
  reset();
}

function drawControls(
  state: State,
  known: Readonly<Record<string, unknown>>,
  { renew, reset }: { renew: () => void; reset: () => void },
): HTMLElement {
  const presets: [string, string][] = [
    ["", "as this network was trained"],
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
      renew();
    },
  });
  const next = button("Other views", () => {
    state.seed = (state.seed + 1) % (SEEDS[1] + 1);
    seed.value = String(state.seed);
    renew();
  });
  const count = slider("Views", { min: 2, max: 8, step: 1, value: state.views }, (views) => {
    state.views = views;
    renew();
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

function asked(state: State): HTMLElement {
  const ignored = [...new Set(opsIn(state).map(({ op }) => OPS[op].ignores))];
  if (ignored.length === 0) {
    return el("p", {}, "Nothing differs between the views, so there is nothing to learn.");
  }
  const lines = ignored.map((words) => el("li", {}, words));
  return el(
    "div",
    {},
    el("p", {}, el("strong", {}, "The network is asked to ignore")),
    el("ul", {}, ...lines),
  );
}

interface Task {
  readonly encoder: Encoder;
  readonly state: State;
  readonly signal: AbortSignal;
}

async function drawViews(place: HTMLElement, { encoder, state, signal }: Task): Promise<void> {
  const { picture, views, seed } = state;
  const pixels = await pixelsOf(picture);
  const made = await encoder.augment(pixels, { views, seed, ops: opsIn(state), signal });
  const drawn = made.map((view, place) => canvasOf(view, `View ${place + 1} of ${picture.name}`));
  const original = el(
    "figure",
    { class: "original" },
    shown(picture),
    el("figcaption", {}, picture.name),
  );
  place.replaceChildren(el("div", { class: "views" }, original, ...drawn));
}
