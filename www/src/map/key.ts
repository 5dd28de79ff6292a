/** What the map shows of its pictures, and what the looks of its points mean. */
import { el } from "../element.js";
import { swatch, wordsOf } from "../palette.js";
import type { Picture } from "../picture.js";
import { savesData } from "../thrift.js";
import type { Stamp } from "./plane.js";
import { byPicture, byTruth, byWord, legend, truthLegend } from "./stamps.js";

export type Colour = "pictures" | "category" | "guess" | "truth";

/** The choices, in words. */
export const COLOURS: readonly (readonly [Colour, string])[] = [
  ["pictures", "The pictures themselves"],
  ["category", "Colour: class"],
  ["guess", "Colour: guess"],
  ["truth", "Colour: right or wrong"],
];

/** Pictures, but for those who save data: all sheets would have to come. */
export const usual = (): Colour => (savesData() ? "category" : "pictures");

/** What the map shows. */
export interface State {
  pictures: readonly Picture[];
  points: Float32Array;
  colour: Colour;
  /** A guess for each picture, once there is one. */
  guesses: readonly string[] | undefined;
  chosen: readonly number[];
}

/** How its points are drawn. */
export function stampOf(state: State, arrived: () => void): Stamp {
  const { pictures, colour, guesses } = state;
  const labels = pictures.map(({ label }) => label);
  if (colour === "pictures") return byPicture(pictures, arrived);
  if (colour === "truth" && guesses) return byTruth((place) => guesses[place] === labels[place]);
  if (colour === "guess" && guesses) return byWord(wordsOf(guesses), (place) => guesses[place]!);
  return byWord(wordsOf(labels), (place) => labels[place]!);
}

/** What their looks mean. */
export function drawKey(key: HTMLElement, { colour, pictures, guesses }: State): void {
  const labels = pictures.map(({ label }) => label);
  const words = wordsOf(colour === "guess" && guesses ? guesses : labels);
  const lines = colour === "pictures" ? [] : colour === "truth" ? truthLegend : legend(words);
  key.replaceChildren(...lines.map(([word, look]) => el("li", {}, swatch(look, 16), word)));
}
