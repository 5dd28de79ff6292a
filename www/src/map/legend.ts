/** How the map shows its pictures, and the legend of its markers. */
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

export type ColourBy = "pictures" | "category" | "prediction" | "correctness";

/** The choices and their texts. */
export const COLOURS: readonly (readonly [ColourBy, string])[] = [
  ["pictures", "The pictures themselves"],
  ["category", "Colour: class"],
  ["prediction", "Colour: prediction"],
  ["correctness", "Colour: correct or wrong"],
];

/** Pictures, except for users who reduce data use: pictures need all sheets. */
export const defaultColour = (): ColourBy => (prefersReducedData() ? "category" : "pictures");

/** The state of the map. */
export interface MapState {
  pictures: readonly Picture[];
  points: Float32Array;
  colour: ColourBy;
  /** A predicted label per picture, once computed. */
  predictions: readonly string[] | undefined;
  selected: readonly number[];
}

/** How the points are drawn. */
export function pointStyle(state: MapState, onLoaded: () => void): DrawPoint {
  const { pictures, colour, predictions } = state;
  const labels = pictures.map(({ label }) => label);
  if (colour === "pictures") return drawPicture(pictures, onLoaded);
  if (colour === "correctness" && predictions)
    return drawCorrectness((index) => predictions[index] === labels[index]);
  if (colour === "prediction" && predictions)
    return drawLabel(distinctLabels(predictions), (index) => predictions[index]!);
  return drawLabel(distinctLabels(labels), (index) => labels[index]!);
}

/** Draws the legend. */
export function drawLegend(
  legendPlace: HTMLElement,
  { colour, pictures, predictions }: MapState,
): void {
  const labels = pictures.map(({ label }) => label);
  const words = distinctLabels(colour === "prediction" && predictions ? predictions : labels);
  const lines =
    colour === "pictures" ? [] : colour === "correctness" ? correctnessLegend : legend(words);
  legendPlace.replaceChildren(
    ...lines.map(([word, marker]) => el("li", {}, swatch(marker, 16), word)),
  );
}
