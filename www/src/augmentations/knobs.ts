/** The knobs of an augmentation policy: what each operation can be set to, in words. */
import type { AugmentationOp } from "kith-web";
import { el, slider } from "../element.js";

interface Knob {
  readonly key: string;
  /** Which end of a range it is. */
  readonly end?: 0 | 1;
  readonly words: string;
  readonly range: readonly [min: number, max: number, step: number];
}

interface Words {
  readonly title: string;
  /** What a network that sees such views is asked to ignore. */
  readonly ignores: string;
  readonly knobs: readonly Knob[];
}

const SHARE = [0, 1, 0.05] as const;
const often: Knob = { key: "probability", words: "How often", range: SHARE };
const pair = (key: string, [least, most]: [string, string], range: Knob["range"]): Knob[] => [
  { key, end: 0, words: least, range },
  { key, end: 1, words: most, range },
];

export const OPS: Readonly<Record<AugmentationOp["op"], Words>> = {
  crop: {
    title: "Crop",
    ignores: "how near a thing is, and where in the picture",
    knobs: [
      ...pair("scale", ["Smallest area", "Largest area"], [0.02, 1, 0.02]),
      ...pair("ratio", ["Narrowest", "Widest"], [0.5, 2, 0.05]),
    ],
  },
  flip: { title: "Flip", ignores: "what is left and what is right", knobs: [often] },
  translate: {
    title: "Shift",
    ignores: "where in the picture it is",
    knobs: [
      { key: "height", words: "Up and down", range: [0, 0.5, 0.01] },
      { key: "width", words: "Left and right", range: [0, 0.5, 0.01] },
    ],
  },
  zoom: {
    title: "Zoom",
    ignores: "how large it is",
    knobs: [
      ...pair("height", ["Height, least", "Height, most"], [-0.6, 0.6, 0.02]),
      ...pair("width", ["Width, least", "Width, most"], [-0.6, 0.6, 0.02]),
    ],
  },
  brightness: {
    title: "Brightness",
    ignores: "how bright it is",
    knobs: [{ key: "strength", words: "Strength", range: [0, 1, 0.05] }],
  },
  color_matrix: {
    title: "Colour mix",
    ignores: "its exact colours",
    knobs: [
      { key: "brightness", words: "Brightness", range: [0, 1, 0.05] },
      { key: "jitter", words: "Mix", range: [0, 0.5, 0.02] },
    ],
  },
  color_jitter: {
    title: "Colour",
    ignores: "its exact colours",
    knobs: [
      often,
      { key: "brightness", words: "Brightness", range: SHARE },
      { key: "contrast", words: "Contrast", range: SHARE },
      { key: "saturation", words: "Saturation", range: SHARE },
      { key: "hue", words: "Hue", range: [0, 0.5, 0.02] },
    ],
  },
  grayscale: { title: "No colour", ignores: "whether it has colour at all", knobs: [often] },
  blur: {
    title: "Blur",
    ignores: "how sharp it is",
    knobs: [often, ...pair("sigma", ["Least", "Most"], [0.1, 3, 0.1])],
  },
  solarize: {
    title: "Solarise",
    ignores: "what is light and what is dark",
    knobs: [often, { key: "threshold", words: "From", range: SHARE }],
  },
  affine: {
    title: "Turn, move, scale, shear",
    ignores: "how it stands in the picture",
    knobs: [
      often,
      { key: "degrees", words: "Turn, degrees", range: [0, 180, 1] },
      { key: "translate_x", words: "Left and right", range: [0, 0.5, 0.01] },
      { key: "translate_y", words: "Up and down", range: [0, 0.5, 0.01] },
      ...pair("scale", ["Smallest", "Largest"], [0.5, 2, 0.05]),
      { key: "shear_x", words: "Shear across, degrees", range: [0, 60, 1] },
      { key: "shear_y", words: "Shear down, degrees", range: [0, 60, 1] },
      { key: "fill", words: "Beyond the edge", range: SHARE },
    ],
  },
  pad_crop: {
    title: "Nudge",
    ignores: "where in the picture it is",
    knobs: [{ key: "pad", words: "At most", range: [0, 0.5, 0.01] }],
  },
  erase: {
    title: "Erase",
    ignores: "any one part of it",
    knobs: [
      often,
      ...pair("scale", ["Smallest area", "Largest area"], [0.01, 0.5, 0.01]),
      ...pair("ratio", ["Narrowest", "Widest"], [0.3, 3.3, 0.05]),
      { key: "value", words: "Grey", range: SHARE },
    ],
  },
  cut_out: {
    title: "Cut out",
    ignores: "any one part of it",
    knobs: [
      often,
      { key: "side", words: "Largest side", range: SHARE },
      { key: "value", words: "Grey", range: SHARE },
    ],
  },
  rand_augment: {
    title: "RandAugment",
    ignores: "a few of 14 things: colours, levels, sharpness, turns, shears and shifts",
    knobs: [{ key: "count", words: "Changes", range: [1, 8, 1] }],
  },
};

/** An operation of a policy, in force or not. */
export interface Setting {
  op: AugmentationOp;
  on: boolean;
}

/** The controls of a policy; every change is told. */
export function controls(settings: readonly Setting[], changed: () => void): HTMLElement {
  const sets = settings.map((setting) => {
    const { title, knobs } = OPS[setting.op.op];
    const check = el("input", {
      type: "checkbox",
      checked: setting.on,
      onchange: () => {
        setting.on = check.checked;
        changed();
      },
    });
    const sliders = knobs.map((knob) => knobSlider(setting, knob, changed));
    return el(
      "fieldset",
      {},
      el("legend", {}, el("label", { class: "check" }, check, title)),
      ...sliders,
    );
  });
  return el("div", { class: "knobs" }, ...sets);
}

function knobSlider(setting: Setting, knob: Knob, changed: () => void): HTMLElement {
  const [min, max, step] = knob.range;
  const value = valueOf(setting.op, knob);
  const set = (now: number): void => {
    setting.op = withValue(setting.op, knob, now);
    changed();
  };
  const words = (now: number): string => (step < 1 ? now.toFixed(2) : String(now));
  return slider(knob.words, { min, max, step, value }, set, words);
}

function valueOf(op: AugmentationOp, { key, end }: Knob): number {
  const value = op[key] as number | readonly [number, number];
  return typeof value === "number" ? value : value[end ?? 0];
}

/** The least never above the most: the other end goes with the one that is moved. */
function withValue(op: AugmentationOp, { key, end }: Knob, now: number): AugmentationOp {
  const before = op[key];
  if (!Array.isArray(before)) return { ...op, [key]: now };
  const [least, most] = before as [number, number];
  const range = end === 0 ? [now, Math.max(now, most)] : [Math.min(least, now), now];
  return { ...op, [key]: range };
}
