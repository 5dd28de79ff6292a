/** Pictures in all the forms that a page has them, on their way to the backend. */
import { KithError } from "./errors.js";
import { MOST_PIXELS } from "./planes.js";
import { kindOf, describe } from "./describe.js";
import type { ImageInput, Images, RawImage } from "./types.js";
import type { Decodable } from "./wasm-module.js";

const CROSS_ORIGIN =
  "Set crossOrigin = 'anonymous' before src, where the other server allows it, or pass the picture's URL.";

/** One after the other, whatever form they came in. */
export async function* eachImage(images: Images): AsyncGenerator<ImageInput> {
  if (isOne(images)) return yield images;
  let place = 0;
  try {
    for await (const image of images) {
      yield image;
      place += 1;
    }
  } catch (cause) {
    if (cause instanceof KithError) throw cause;
    throw new KithError("IMAGE_DECODE", `picture ${place} did not come: ${describe(cause)}`, {
      cause,
      hint: "What gives the pictures failed: see the cause.",
    });
  }
}

/** How many there are, if that is known beforehand. */
export function countOf(images: Images): number | null {
  if (isOne(images)) return 1;
  return Array.isArray(images) ? images.length : null;
}

/** What is no stream of pictures is one picture, or none, which is found out when it is its turn. */
function isOne(images: Images): images is ImageInput {
  if (typeof images !== "object" || images === null) return true;
  return !(Symbol.iterator in images) && !(Symbol.asyncIterator in images);
}

/** How pictures reach a backend. */
export interface Sending {
  /** Fetches those that are addresses, in place of the page's own `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** A backend in the page reads the caller's pixels where they are. */
  readonly isLent?: boolean | undefined;
}

/** A picture as the backend takes it, and the buffers that are transferred with it. */
export async function decodable(
  input: ImageInput,
  place: number,
  { fetch: get = globalThis.fetch, isLent = false }: Sending,
): Promise<{ picture: Decodable; moved: Transferable[] }> {
  const taken = isLent ? lent : copied;
  if (isRaw(input)) return taken(checked(input, place));
  if (typeof createImageBitmap === "undefined") throw noPicture(input, place, RAW);
  if (isImageData(input)) return taken({ ...sizesOf(input), data: input.data, channels: 4 });
  if (typeof input === "string" || input instanceof URL) {
    return { picture: await fetched(input, place, get), moved: [] };
  }
  if (input instanceof Blob) return { picture: input, moved: [] };
  if (typeof input !== "object" || input === null) throw noPicture(input, place, ANY);
  const bitmap = await bitmapOf(input, place);
  return { picture: bitmap, moved: [bitmap] };
}

/** Pixels of a picture that nothing has to be decoded of; of any other, more than any number. */
export function pixelsOf(input: ImageInput): number {
  if (!isRaw(input) && !isImageData(input)) return Infinity;
  const { width, height } = input;
  return typeof width === "number" && typeof height === "number" ? width * height : Infinity;
}

const RAW = "{ data, width, height, channels }";
const ANY = `a File, an element, a canvas, a URL or ${RAW}`;

function noPicture(input: unknown, place: number, expected: string): KithError {
  return new KithError(
    "IMAGE_DECODE",
    `picture ${place}: expected ${expected}, got ${describe(input)}`,
  );
}

function isRaw(input: ImageInput): input is RawImage {
  return typeof input === "object" && input !== null && "channels" in input && "data" in input;
}

/** Of bytes: newer browsers have ones of other numbers too, which are drawn instead. */
function isImageData(input: ImageInput): input is ImageData {
  if (typeof ImageData === "undefined" || !(input instanceof ImageData)) return false;
  return input.data instanceof Uint8ClampedArray;
}

const sizesOf = ({ width, height }: { width: number; height: number }) => ({ width, height });

function checked(raw: RawImage, place: number): RawImage {
  const { data, width, height, channels } = raw;
  const refused = (expected: string, got: string, hint?: string): KithError =>
    new KithError(
      "IMAGE_DECODE",
      `picture ${place}: expected ${expected}, got ${got}`,
      hint === undefined ? {} : { hint },
    );
  if (!/^Uint8(Clamped)?Array$/.test(kindOf(data))) {
    const hint = "Scale the samples to 0 to 255 and round them; they are never converted here.";
    throw refused("bytes in a Uint8Array or Uint8ClampedArray", describe(data), hint);
  }
  if (channels !== 3 && channels !== 4) {
    throw refused("3 channels (RGB) or 4 (RGBA)", describe(channels), "Repeat grey three times.");
  }
  const size = `${describe(width)} x ${describe(height)}`;
  if (![width, height].every((side) => Number.isSafeInteger(side) && side > 0)) {
    throw refused("a width and a height in whole pixels", size);
  }
  if (width * height > MOST_PIXELS) {
    throw refused(`at most ${MOST_PIXELS} pixels`, size, "Scale the picture down first.");
  }
  const expected = width * height * channels;
  if (data.length === expected) return raw;
  throw refused(`${expected} samples (${size}, ${channels} channels)`, String(data.length));
}

/** The caller's pixels, for a backend that hands nothing over. */
function lent(picture: RawImage): { picture: RawImage; moved: Transferable[] } {
  return { picture, moved: [] };
}

/** The caller keeps its pixels, and what else hangs on the object. */
function copied(raw: RawImage): { picture: RawImage; moved: Transferable[] } {
  const { width, height, channels } = raw;
  try {
    const data = new Uint8Array(raw.data);
    return { picture: { data, width, height, channels }, moved: [data.buffer] };
  } catch (cause) {
    const message = `no memory for a copy of ${raw.data.length} bytes`;
    throw new KithError("OUT_OF_MEMORY", message, { cause });
  }
}

async function bitmapOf(
  input: Exclude<ImageInput, string | URL | Blob | RawImage>,
  place: number,
): Promise<ImageBitmap> {
  let bitmap: ImageBitmap;
  try {
    const options = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;
    bitmap = await createImageBitmap(input, options);
  } catch (cause) {
    const message = `picture ${place} cannot be read: ${describe(cause)}`;
    throw new KithError("IMAGE_DECODE", message, { cause });
  }
  if (isReadable(bitmap)) return bitmap;
  bitmap.close();
  const message = `picture ${place} is of another origin, and the browser does not let it be read`;
  throw new KithError("IMAGE_DECODE", message, { hint: CROSS_ORIGIN });
}

/** Whether the browser lets its pixels be read. One that it does not cannot even reach the worker. */
function isReadable(bitmap: ImageBitmap): boolean {
  if (typeof OffscreenCanvas === "undefined") return true;
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  try {
    context?.drawImage(bitmap, 0, 0);
    context?.getImageData(0, 0, 1, 1);
    return true;
  } catch {
    return false;
  }
}

async function fetched(url: string | URL, place: number, get: typeof fetch): Promise<Blob> {
  try {
    const response = await get(url);
    if (response.ok) return await response.blob();
    throw new KithError("IMAGE_DECODE", `picture ${place}: ${url}: HTTP ${response.status}`);
  } catch (cause) {
    if (cause instanceof KithError) throw cause;
    const message = `picture ${place}: ${describe(String(url))} cannot be fetched: ${describe(cause)}`;
    throw new KithError("IMAGE_DECODE", message, { cause });
  }
}

/** Interleaved RGBA of planar bytes `[3, side, side]`. */
export function rgbaOf(planes: Uint8Array, side: number): Uint8ClampedArray<ArrayBuffer> {
  const area = side * side;
  const rgba = new Uint8ClampedArray(4 * area).fill(255);
  for (let plane = 0; plane < 3; plane += 1) {
    for (let place = 0; place < area; place += 1) {
      rgba[4 * place + plane] = planes[plane * area + place]!;
    }
  }
  return rgba;
}
