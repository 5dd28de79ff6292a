/** How points of the map are drawn: as pictures, or by class, guess or correctness. */
import { markerOf, RIGHT, WRONG, type Marker } from "../palette.js";
import { SHEET, type Picture } from "../picture.js";
import { sheetAt } from "../pixels.js";
import type { DrawPoint } from "./scatter-plot.js";

/** Points by a look of their own. */
export function drawMarker(markerAt: (index: number) => Marker): DrawPoint {
  return (context, index, [x, y], size) => {
    const { colour, shape } = markerAt(index);
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
export function drawLabel(
  words: readonly string[],
  wordOf: (index: number) => string | null,
): DrawPoint {
  const markers = new Map(words.map((word, number) => [word, markerOf(number)]));
  const none: Marker = { colour: "#8884", shape: markerOf(0).shape };
  return drawMarker((index) => markers.get(wordOf(index) ?? "") ?? none);
}

/** Points by whether a guess is right. */
export const drawCorrectness = (right: (index: number) => boolean): DrawPoint =>
  drawMarker((index) => (right(index) ? RIGHT : WRONG));

/** Points as the pictures themselves; each is drawn once its sheet is there. */
export function drawPicture(pictures: readonly Picture[], onLoaded: () => void): DrawPoint {
  const drawn = new Map<string, CanvasImageSource | undefined>();
  const ask = async (url: string, coming: () => Promise<CanvasImageSource>): Promise<void> => {
    drawn.set(url, undefined);
    drawn.set(url, await coming());
    onLoaded();
  };
  /** A drawing, if it is here; else it is asked for, once. */
  const at = (url: string, coming: () => Promise<CanvasImageSource>) => {
    if (!drawn.has(url)) void ask(url, coming);
    return drawn.get(url);
  };
  return (context, index, [x, y], size) => {
    const { tile, file } = pictures[index]!;
    const side = 2.1 * size;
    const to = [x - side / 2, y - side / 2, side, side] as const;
    if (file) {
      const own = at(file.url, () => createImageBitmap(file.blob));
      if (own) context.drawImage(own, ...to);
      return;
    }
    const { sheet, column, row } = tile!;
    const own = at(sheet, () => withTransparentWhite(sheet));
    const { side: edge } = SHEET;
    if (own) context.drawImage(own, column * edge, row * edge, edge, edge, ...to);
  };
}

/** How soon paper stops being see-through as it darkens. */
const ALPHA_SLOPE = 6;

/** A sheet whose white paper is see-through, so that what lies below is seen. */
async function withTransparentWhite(url: string): Promise<OffscreenCanvas> {
  const sheet = await sheetAt(url);
  const canvas = new OffscreenCanvas(sheet.width, sheet.height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(sheet, 0, 0);
  const image = context.getImageData(0, 0, sheet.width, sheet.height);
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) {
    data[i + 3] = ALPHA_SLOPE * (255 - Math.min(data[i]!, data[i + 1]!, data[i + 2]!));
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** What the looks mean. */
export function legend(words: readonly string[]): [word: string, Marker][] {
  return words.map((word, number) => [word, markerOf(number)]);
}

export const correctnessLegend: [string, Marker][] = [
  ["guessed right", RIGHT],
  ["guessed wrong", WRONG],
];
