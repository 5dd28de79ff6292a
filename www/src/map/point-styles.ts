/** Ways to draw points of the map: as pictures, by class, by prediction, or by correctness. */
import { markerOf, RIGHT, WRONG, type Marker } from "../palette.js";
import { SHEET, type Picture } from "../picture.js";
import { remembered } from "../remembered.js";
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

/** What the worker answers. */
interface Made {
  readonly url: string;
  readonly image?: ImageBitmap;
  readonly error?: string;
}

let worker: Worker | undefined;
const asked = new Map<string, (made: Made) => void>();

function answer(made: Made): void {
  asked.get(made.url)?.(made);
  asked.delete(made.url);
}

function startWorker(): Worker {
  // Written so that the build finds the worker.
  const started = new Worker(new URL("./transparent-worker.ts", import.meta.url), {
    type: "module",
  });
  started.addEventListener("message", ({ data }: MessageEvent<Made>) => answer(data));
  started.addEventListener("error", ({ message }) => {
    worker = undefined;
    for (const url of asked.keys()) answer({ url, error: message });
  });
  return started;
}

/** A sheet with transparent white, so that overlapping pictures stay visible. */
const withTransparentWhite = remembered(async (sheet) => {
  const url = new URL(sheet, document.baseURI).href;
  worker ??= startWorker();
  worker.postMessage(url);
  const { image, error } = await new Promise<Made>((resolve) => asked.set(url, resolve));
  if (image) return image;
  throw new Error(error);
});

/** The marker of each label. */
export function legend(words: readonly string[]): [word: string, Marker][] {
  return words.map((word, number) => [word, markerOf(number)]);
}

export const correctnessLegend: [string, Marker][] = [
  ["correct", RIGHT],
  ["wrong", WRONG],
];
