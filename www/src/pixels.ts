/** Pixels of pictures for the network; those of the gallery are cut out of their sheets. */
import type { ImageInput } from "kith-web";
import { SHEET, type Picture } from "./picture.js";
import { remembered } from "./remembered.js";

/** The image that the network gets for a picture. */
export async function pixelsOf(picture: Picture): Promise<ImageInput> {
  const { tile, file, address } = picture;
  if (file) return file.blob;
  if (address !== undefined) return address;
  const { side } = SHEET;
  const sheet = await sheetAt(tile!.sheet);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(sheet, -tile!.column * side, -tile!.row * side);
  const { data } = context.getImageData(0, 0, side, side);
  return { data, width: side, height: side, channels: 4 };
}

/** The pixels of several pictures, one after the other. */
export async function* pixelsOfAll(pictures: readonly Picture[]): AsyncGenerator<ImageInput> {
  for (const picture of pictures) yield await pixelsOf(picture);
}

/** A sheet, decoded once. */
export const sheetAt = remembered(async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`a sheet of pictures, ${url}: HTTP ${response.status}`);
  return createImageBitmap(await response.blob());
});
