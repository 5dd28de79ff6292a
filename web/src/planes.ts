/** Pixels of a picture: decoding in the backend. */
import { KithError } from "./errors.js";
import type { RawImage } from "./types.js";

/** Decodes the pixels as they are in the file; only the orientation is applied. */
const AS_IT_IS: ImageBitmapOptions = {
  imageOrientation: "from-image",
  premultiplyAlpha: "none",
  colorSpaceConversion: "none",
};

/**
 * Pixels that are drawn at a time. Canvases have limits that a page cannot ask for. The lowest known,
 * on iOS, is 16.7 million pixels; above it a canvas stays empty without an error.
 */
const STRIP = 1 << 22;

/** The most pixels of a picture: more than cameras take, and all that the backend has memory for. */
export const MOST_PIXELS = 2 ** 28;

/** Samples a pixel of a canvas: red, green, blue, opacity. */
const RGBA = 4;

/** Interleaved bytes of a picture's central square over white. Errors: `IMAGE_DECODE` naming its place. */
export async function planesOf(picture: Blob | ImageBitmap, place: number): Promise<RawImage> {
  let bitmap: ImageBitmap | undefined;
  try {
    bitmap = picture instanceof Blob ? await createImageBitmap(picture, AS_IT_IS) : picture;
    return middleOverWhite(bitmap);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new KithError("IMAGE_DECODE", `picture ${place} cannot be decoded: ${said}`, { cause });
  } finally {
    bitmap?.close();
  }
}

/** The largest central square, drawn in strips that every browser's canvas can hold. */
function middleOverWhite(bitmap: ImageBitmap): RawImage {
  const side = Math.min(bitmap.width, bitmap.height);
  if (side * side > MOST_PIXELS) throw new Error(`more than ${MOST_PIXELS} pixels: scale it down`);
  const left = Math.floor((bitmap.width - side) / 2);
  const top = Math.floor((bitmap.height - side) / 2);
  const most = Math.max(1, Math.min(side, Math.floor(STRIP / side)));
  const context = new OffscreenCanvas(side, most).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas to draw on");
  const data = new Uint8ClampedArray(RGBA * side * side);
  for (let y = 0; y < side; y += most) {
    const rows = Math.min(most, side - y);
    context.fillStyle = "white";
    context.fillRect(0, 0, side, rows);
    context.drawImage(bitmap, left, top + y, side, rows, 0, 0, side, rows);
    data.set(readPixels(context, side, rows), RGBA * side * y);
  }
  return { data, width: side, height: side, channels: RGBA };
}

/** Everything drawn over white is opaque; a canvas that stayed empty is transparent. */
function readPixels(
  context: OffscreenCanvasRenderingContext2D,
  width: number,
  height: number,
): Uint8ClampedArray {
  const { data } = context.getImageData(0, 0, width, height);
  const ends = [data[RGBA - 1], data[data.length - 1]];
  if (ends.every((opacity) => opacity === 255)) return data;
  throw new Error(
    `the browser's canvas stays empty at ${width} x ${height}: scale the picture down`,
  );
}
