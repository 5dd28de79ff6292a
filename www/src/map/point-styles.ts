/** Ways to draw points of the map: as pictures, by class, by prediction, or by correctness. */
import { markerOf, RIGHT, WRONG, type Marker } from "../palette.js";
import { SHEET, type Picture } from "../picture.js";
import { sheetAt } from "../pixels.js";
import type { DrawPoint } from "./scatter-plot.js";

/** Draws each point with a marker. */
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
    return true;
  };
}

/** Draws each point with the marker of its label; the order of `labels` gives each its marker. */
export function drawLabel(
  words: readonly string[],
  wordOf: (index: number) => string | null,
): DrawPoint {
  const markers = new Map(words.map((word, number) => [word, markerOf(number)]));
  const none: Marker = { colour: "#8884", shape: markerOf(0).shape };
  return drawMarker((index) => markers.get(wordOf(index) ?? "") ?? none);
}

/** Draws each point by whether its prediction is correct. */
export const drawCorrectness = (right: (index: number) => boolean): DrawPoint =>
  drawMarker((index) => (right(index) ? RIGHT : WRONG));

/** Draws each point as its picture; `onLoaded` is called when more sheets are there. */
export function drawPicture(pictures: readonly Picture[], onLoaded: () => void): DrawPoint {
  const drawn = new Map<string, CanvasImageSource | undefined>();
  const ask = async (url: string, coming: () => Promise<CanvasImageSource>): Promise<void> => {
    drawn.set(url, undefined);
    drawn.set(url, await coming());
    onLoaded();
  };
  /** The image if it is loaded; otherwise loads it once. */
  const at = (url: string, coming: () => Promise<CanvasImageSource>) => {
    if (!drawn.has(url)) void ask(url, coming);
    return drawn.get(url);
  };
  return (context, index, [x, y], size) => {
    const { tile, file } = pictures[index]!;
    const side = 2.1 * size;
    const to = [x - side / 2, y - side / 2, side, side] as const;
    if (file) {
      const image = at(file.url, () => createImageBitmap(file.blob));
      if (image) context.drawImage(image, ...to);
      return image !== undefined;
    }
    const { sheet, column, row } = tile!;
    const image = at(sheet, () => withTransparentWhite(sheet));
    const { side: edge } = SHEET;
    if (image) context.drawImage(image, column * edge, row * edge, edge, edge, ...to);
    return image !== undefined;
  };
}

/** How fast pixels become opaque as they get darker than white. */
const ALPHA_SLOPE = 6;

let turns = Promise.resolve();

/** One sheet after the other, each in a task of its own: the page answers between them. */
const turn = (): Promise<void> =>
  (turns = turns.then(() => new Promise((resolve) => setTimeout(resolve))));

/** A sheet with transparent white, so that overlapping pictures stay visible. */
async function withTransparentWhite(url: string): Promise<OffscreenCanvas> {
  const sheet = await sheetAt(url);
  await turn();
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

/** The marker of each label. */
export function legend(words: readonly string[]): [word: string, Marker][] {
  return words.map((word, number) => [word, markerOf(number)]);
}

export const correctnessLegend: [string, Marker][] = [
  ["correct", RIGHT],
  ["wrong", WRONG],
];
