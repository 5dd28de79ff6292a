/** A form for what a file of weights does not say itself, by the names that `kith import` has for it. */
import type { ImportOptions } from "kith-web";
import { choice, el, field } from "./element.js";

const PIXELS = [
  ["", "as the file says"],
  ["imagenet", "ImageNet's mean and deviation"],
  ["signed", "-1 to 1"],
  ["unit", "0 to 1"],
] as const;
const FILTERS = [
  ["", "as the file says"],
  ["bilinear", "bilinear"],
  ["bicubic", "bicubic"],
] as const;

/** The form, closed at first; `said` is what was filled in. */
export function importForm(): {
  readonly element: HTMLElement;
  said(): ImportOptions;
  show(): void;
} {
  const text = (placeholder: string) => el("input", { type: "text", placeholder });
  const number = (placeholder: string) => el("input", { type: "number", min: 1, placeholder });
  const words = { arch: text("tf_efficientnet_lite0"), prefix: text("teacher.backbone.") };
  const numbers = { heads: number("6"), side: number("224"), resize: number("256") };
  const selects = {
    pixels: choice<string>(PIXELS, "", () => {}),
    filter: choice<string>(FILTERS, "", () => {}),
  };
  const element = el(
    "details",
    { class: "import-form" },
    el("summary", {}, "What a file of other people's does not say"),
    el(
      "p",
      { class: "aside" },
      "Fill in only what an error asks for, or what you know better. A config.json and a preprocessor_config.json that lie beside the file say the same: choose or drop them with it.",
    ),
    el(
      "div",
      { class: "fields" },
      field("Architecture", words.arch, "timm's name of the network"),
      field("Pixels", selects.pixels, "what they become first"),
      field("Heads", numbers.heads, "of a transformer's attention"),
      field("Side", numbers.side, "pixels of the square that the network sees; less is faster"),
      field("Resize", numbers.resize, "pixels of the shorter side before the middle is cut out"),
      field("Filter", selects.filter, "how pictures are resized"),
      field("Prefix", words.prefix, "of the encoder's names, where a file holds several"),
    ),
  );
  const said = (): ImportOptions => {
    const texts = Object.entries({ ...words, ...selects }).map(([name, { value }]) => [
      name,
      value.trim(),
    ]);
    const counts = Object.entries(numbers).map(([name, { value }]) => [
      name,
      value && Number(value),
    ]);
    return Object.fromEntries([...texts, ...counts].filter(([, value]) => value !== ""));
  };
  const show = (): void => {
    element.open = true;
  };
  return { element, said, show };
}
