/** Pixels of a picture, on the computing side. */
import { KithError } from "./errors.js";
import type { RawImage } from "./types.js";

/** Nothing is turned, converted or multiplied beyond what the file says. */
const AS_IT_IS: ImageBitmapOptions = {
  imageOrientation: "from-image",
  premultiplyAlpha: "none",
  colorSpaceConversion: "none",
};

/** Interleaved bytes of a picture over white. Errors: `IMAGE_DECODE` naming its place. */
export async function planesOf(picture: Blob | ImageBitmap, place: number): Promise<RawImage> {
  try {
    const bitmap = picture instanceof Blob ? await createImageBitmap(picture, AS_IT_IS) : picture;
    return overWhite(bitmap);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new KithError("IMAGE_DECODE", `picture ${place} cannot be decoded: ${said}`, { cause });
  }
}

function overWhite(bitmap: ImageBitmap): RawImage {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas to draw on");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { data: context.getImageData(0, 0, width, height).data, width, height, channels: 4 };
}
