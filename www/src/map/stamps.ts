/** How points of the map are drawn: as pictures, or by class, guess or correctness. */
import { lookOf, RIGHT, WRONG, type Look } from "../palette.js";
import { SHEET, type Picture } from "../picture.js";
import { sheetAt } from "../pixels.js";
import type { Stamp } from "./plane.js";

/** Points by a look of their own. */
export function byLook(lookAt: (place: number) => Look): Stamp {
  return (context, place, [x, y], size) => {
    const { colour, shape } = lookAt(place);
    context.fillStyle = colour;
    context.beginPath();
    shape(context, x, y, size / 2.2);
    context.fill();
    context.strokeStyle = "#fff8";
    context.lineWidth = 0.5;
    context.stroke();
  };
}

/** Points by the words for them: each word its look, in the order of `words`. */
export function byWord(words: readonly string[], wordOf: (place: number) => string | null): Stamp {
  const looks = new Map(words.map((word, number) => [word, lookOf(number)]));
  const none: Look = { colour: "#8884", shape: lookOf(0).shape };
  return byLook((place) => looks.get(wordOf(place) ?? "") ?? none);
}

/** Points by whether a guess is right. */
export const byTruth = (right: (place: number) => boolean): Stamp =>
  byLook((place) => (right(place) ? RIGHT : WRONG));

/** Points as the pictures themselves; each is drawn once its sheet is there. */
export function byPicture(pictures: readonly Picture[], arrived: () => void): Stamp {
  const drawn = new Map<string, CanvasImageSource | undefined>();
  const ask = async (url: string, coming: () => Promise<CanvasImageSource>): Promise<void> => {
    drawn.set(url, undefined);
    drawn.set(url, await coming());
    arrived();
  };
  /** A drawing, if it is here; else it is asked for, once. */
  const at = (url: string, coming: () => Promise<CanvasImageSource>) => {
    if (!drawn.has(url)) void ask(url, coming);
    return drawn.get(url);
  };
  return (context, place, [x, y], size) => {
    const { tile, file } = pictures[place]!;
    const side = 2.1 * size;
    const to = [x - side / 2, y - side / 2, side, side] as const;
    if (file) {
      const own = at(file.url, () => createImageBitmap(file.blob));
      if (own) context.drawImage(own, ...to);
      return;
    }
    const { sheet, column, row } = tile!;
    const own = at(sheet, () => cutOut(sheet));
    const { side: edge } = SHEET;
    if (own) context.drawImage(own, column * edge, row * edge, edge, edge, ...to);
  };
}

/** How soon paper stops being see-through as it darkens. */
const STEEP = 6;

/** A sheet whose white paper is see-through, so that what lies below is seen. */
async function cutOut(url: string): Promise<OffscreenCanvas> {
  const sheet = await sheetAt(url);
  const canvas = new OffscreenCanvas(sheet.width, sheet.height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(sheet, 0, 0);
  const image = context.getImageData(0, 0, sheet.width, sheet.height);
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) {
    data[i + 3] = STEEP * (255 - Math.min(data[i]!, data[i + 1]!, data[i + 2]!));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** What the looks mean. */
export function legend(words: readonly string[]): [word: string, Look][] {
  return words.map((word, number) => [word, lookOf(number)]);
}

export const truthLegend: [string, Look][] = [
  ["guessed right", RIGHT],
  ["guessed wrong", WRONG],
];
