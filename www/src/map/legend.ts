/** What the map shows of its pictures, and what the looks of its points mean. */
import { el } from "../element.js";
import { swatch, distinctLabels } from "../palette.js";
import type { Picture } from "../picture.js";
import { prefersReducedData } from "../save-data.js";
import type { DrawPoint } from "./scatter-plot.js";
import {
  drawPicture,
  drawCorrectness,
  drawLabel,
  legend,
  correctnessLegend,
} from "./point-styles.js";

export type ColourBy = "pictures" | "category" | "guess" | "truth";

/** The choices, in words. */
export const COLOURS: readonly (readonly [ColourBy, string])[] = [
  ["pictures", "The pictures themselves"],
  ["category", "Colour: class"],
  ["guess", "Colour: guess"],
  ["truth", "Colour: right or wrong"],
];

/** Pictures, but for those who save data: all sheets would have to come. */
export const defaultColour = (): ColourBy => (prefersReducedData() ? "category" : "pictures");

/** What the map shows. */
export interface MapState {
  pictures: readonly Picture[];
  points: Float32Array;
  colour: ColourBy;
  /** A guess for each picture, once there is one. */
  predictions: readonly string[] | undefined;
  selected: readonly number[];
}

/** How its points are drawn. */
export function pointStyle(state: MapState, onLoaded: () => void): DrawPoint {
  const { pictures, colour, predictions } = state;
  const labels = pictures.map(({ label }) => label);
  if (colour === "pictures") return drawPicture(pictures, onLoaded);
  if (colour === "truth" && predictions)
    return drawCorrectness((index) => predictions[index] === labels[index]);
  if (colour === "guess" && predictions)
    return drawLabel(distinctLabels(predictions), (index) => predictions[index]!);
  return drawLabel(distinctLabels(labels), (index) => labels[index]!);
}

/** What their looks mean. */
export function drawLegend(
  legendPlace: HTMLElement,
  { colour, pictures, predictions }: MapState,
): void {
  const labels = pictures.map(({ label }) => label);
  const words = distinctLabels(colour === "guess" && predictions ? predictions : labels);
  const lines = colour === "pictures" ? [] : colour === "truth" ? correctnessLegend : legend(words);
  legendPlace.replaceChildren(
    ...lines.map(([word, marker]) => el("li", {}, swatch(marker, 16), word)),
  );
}
