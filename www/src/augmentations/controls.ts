/** The controls of an augmentation policy: each operation and its parameters. */
import type { AugmentationOp } from "kith-web";
import { el, slider } from "../element.js";

interface Parameter {
  readonly key: string;
  /** Which end of a range it sets. */
  readonly end?: 0 | 1;
  readonly text: string;
  readonly range: readonly [min: number, max: number, step: number];
}

interface OpText {
  readonly title: string;
  /** What a network learns to ignore from such views. */
  readonly ignores: string;
  readonly parameters: readonly Parameter[];
}

const SHARE = [0, 1, 0.05] as const;
const probability: Parameter = { key: "probability", text: "Probability", range: SHARE };
const pair = (
  key: string,
  [least, most]: [string, string],
  range: Parameter["range"],
): Parameter[] => [
  { key, end: 0, text: least, range },
  { key, end: 1, text: most, range },
];

export const OPS: Readonly<Record<AugmentationOp["op"], OpText>> = {
  crop: {
    title: "Crop",
    ignores: "how close an object is, and where in the picture",
    parameters: [
      ...pair("scale", ["Smallest area", "Largest area"], [0.02, 1, 0.02]),
      ...pair("ratio", ["Narrowest", "Widest"], [0.5, 2, 0.05]),
    ],
  },
  flip: { title: "Flip", ignores: "what is left and what is right", parameters: [probability] },
  translate: {
    title: "Shift",
    ignores: "where in the picture it is",
    parameters: [
      { key: "height", text: "Vertical", range: [0, 0.5, 0.01] },
      { key: "width", text: "Horizontal", range: [0, 0.5, 0.01] },
    ],
  },
  zoom: {
    title: "Zoom",
    ignores: "how large it is",
    parameters: [
      ...pair("height", ["Height, minimum", "Height, maximum"], [-0.6, 0.6, 0.02]),
      ...pair("width", ["Width, minimum", "Width, maximum"], [-0.6, 0.6, 0.02]),
    ],
  },
  brightness: {
    title: "Brightness",
    ignores: "how bright it is",
    parameters: [{ key: "strength", text: "Strength", range: [0, 1, 0.05] }],
  },
  color_matrix: {
    title: "Colour mix",
    ignores: "its exact colours",
    parameters: [
      { key: "brightness", text: "Brightness", range: [0, 1, 0.05] },
      { key: "jitter", text: "Mix", range: [0, 0.5, 0.02] },
    ],
  },
  color_jitter: {
    title: "Colour",
    ignores: "its exact colours",
    parameters: [
      probability,
      { key: "brightness", text: "Brightness", range: SHARE },
      { key: "contrast", text: "Contrast", range: SHARE },
      { key: "saturation", text: "Saturation", range: SHARE },
      { key: "hue", text: "Hue", range: [0, 0.5, 0.02] },
    ],
  },
  grayscale: {
    title: "Greyscale",
    ignores: "whether it has colour at all",
    parameters: [probability],
  },
  gamma: {
    title: "Gamma",
    ignores: "how dark each colour is",
    parameters: [{ key: "strength", text: "Strength", range: [0, 2, 0.05] }],
  },
  blur: {
    title: "Blur",
    ignores: "how sharp it is",
    parameters: [probability, ...pair("sigma", ["Minimum", "Maximum"], [0.1, 3, 0.1])],
  },
  morphology: {
    title: "Thicken, thin",
    ignores: "how thick its lines are",
    parameters: [probability, { key: "strength", text: "Strength", range: SHARE }],
  },
  solarize: {
    title: "Solarise",
    ignores: "what is light and what is dark",
    parameters: [probability, { key: "threshold", text: "Threshold", range: SHARE }],
  },
  affine: {
    title: "Rotate, shift, scale, shear",
    ignores: "its position, size and angle",
    parameters: [
      probability,
      { key: "degrees", text: "Rotation, degrees", range: [0, 180, 1] },
      { key: "translate_x", text: "Horizontal", range: [0, 0.5, 0.01] },
      { key: "translate_y", text: "Vertical", range: [0, 0.5, 0.01] },
      ...pair("scale", ["Smallest", "Largest"], [0.5, 2, 0.05]),
      { key: "shear_x", text: "Shear across, degrees", range: [0, 60, 1] },
      { key: "shear_y", text: "Shear down, degrees", range: [0, 60, 1] },
      { key: "fill", text: "Grey beyond the edge", range: SHARE },
    ],
  },
  pad_crop: {
    title: "Small shift",
    ignores: "where in the picture it is",
    parameters: [{ key: "pad", text: "At most", range: [0, 0.5, 0.01] }],
  },
  erase: {
    title: "Erase",
    ignores: "any single part of it",
    parameters: [
      probability,
      ...pair("scale", ["Smallest area", "Largest area"], [0.01, 0.5, 0.01]),
      ...pair("ratio", ["Narrowest", "Widest"], [0.3, 3.3, 0.05]),
      { key: "value", text: "Grey", range: SHARE },
    ],
  },
  cut_out: {
    title: "Cut out",
    ignores: "any single part of it",
    parameters: [
      probability,
      { key: "side", text: "Largest side", range: SHARE },
      { key: "value", text: "Grey", range: SHARE },
    ],
  },
  rand_augment: {
    title: "RandAugment",
    ignores: "a few of 14 changes: colours, levels, sharpness, turns, shears and shifts",
    parameters: [{ key: "count", text: "Changes", range: [1, 8, 1] }],
  },
};

/** An operation of a policy, switched on or off. */
export interface Setting {
  op: AugmentationOp;
  on: boolean;
}

/** The controls of a policy; `onChange` is called after each change. */
export function controls(settings: readonly Setting[], onChange: () => void): HTMLElement {
  const sets = settings.map((setting) => {
    const { title, parameters } = OPS[setting.op.op];
    const check = el("input", {
      type: "checkbox",
      checked: setting.on,
      onchange: () => {
        setting.on = check.checked;
        onChange();
      },
    });
    const sliders = parameters.map((parameter) => parameterSlider(setting, parameter, onChange));
    return el(
      "fieldset",
      {},
      el("legend", {}, el("label", { class: "check" }, check, title)),
      ...sliders,
    );
  });
  return el("div", { class: "parameters" }, ...sets);
}

function parameterSlider(
  setting: Setting,
  parameter: Parameter,
  onChange: () => void,
): HTMLElement {
  const [min, max, step] = parameter.range;
  const value = parameterValue(setting.op, parameter);
  const set = (now: number): void => {
    setting.op = withValue(setting.op, parameter, now);
    onChange();
  };
  const text = (now: number): string => (step < 1 ? now.toFixed(2) : String(now));
  return slider(parameter.text, { min, max, step, value }, set, text);
}

function parameterValue(op: AugmentationOp, { key, end }: Parameter): number {
  const value = op[key] as number | readonly [number, number];
  return typeof value === "number" ? value : value[end ?? 0];
}

/**
 * Keeps the lower end of a range below the upper: moving one end moves the other along if needed.
 */
function withValue(op: AugmentationOp, { key, end }: Parameter, now: number): AugmentationOp {
  const before = op[key];
  if (!Array.isArray(before)) return { ...op, [key]: now };
  const [least, most] = before as [number, number];
  const range = end === 0 ? [now, Math.max(now, most)] : [Math.min(least, now), now];
  return { ...op, [key]: range };
}
