/** Pixels of pictures, for the network: tiles are cut from their sheets a sheet at a time. */
import type { ImageInput } from "kith-web";
import { SHEET, type Picture } from "./picture.js";

const sheets = new Map<string, Promise<ImageBitmap>>();

/** What the network is given for a picture. */
export async function pixelsOf(picture: Picture): Promise<ImageInput> {
  const { tile, file } = picture;
  if (file) return file.blob;
  const { side } = SHEET;
  const sheet = await sheetAt(tile!.sheet);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(sheet, -tile!.column * side, -tile!.row * side);
  const { data } = context.getImageData(0, 0, side, side);
  return { data, width: side, height: side, channels: 4 };
}

/** The pixels of many, each when its turn comes. */
export async function* pixelsOfAll(pictures: readonly Picture[]): AsyncGenerator<ImageInput> {
  for (const picture of pictures) yield await pixelsOf(picture);
}

/** A sheet, decoded once. */
export function sheetAt(url: string): Promise<ImageBitmap> {
  const known = sheets.get(url);
  if (known) return known;
  const coming = decoded(url);
  sheets.set(url, coming);
  coming.catch(() => sheets.delete(url));
  return coming;
}

async function decoded(url: string): Promise<ImageBitmap> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`a sheet of pictures, ${url}: HTTP ${response.status}`);
  return createImageBitmap(await response.blob());
}
