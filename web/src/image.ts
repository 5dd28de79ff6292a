/** Pictures in all the forms that a page has them, on their way to the computing side. */
import { KithError } from "./errors.js";
import type { Decodable } from "./host.js";
import type { ImageInput, Images, RawImage } from "./types.js";

/** One after the other, whatever form they came in. */
export async function* eachImage(images: Images): AsyncGenerator<ImageInput> {
  if (isOne(images)) yield images;
  else yield* images;
}

/** How many there are, if that is known beforehand. */
export function countOf(images: Images): number | null {
  if (isOne(images)) return 1;
  return Array.isArray(images) ? images.length : null;
}

function isOne(images: Images): images is ImageInput {
  if (typeof images === "string") return true;
  return !(Symbol.iterator in images) && !(Symbol.asyncIterator in images);
}

/** A picture as the computing side takes it, and the buffers that can be handed over with it. */
export async function decodable(
  input: ImageInput,
  place: number,
  get: typeof fetch = globalThis.fetch,
): Promise<{ picture: Decodable; moved: Transferable[] }> {
  if (isRaw(input)) return copied(checked(input, place));
  if (typeof ImageData !== "undefined" && input instanceof ImageData) {
    const { data, width, height } = input;
    return copied({ data, width, height, channels: 4 });
  }
  if (typeof input === "string" || input instanceof URL) {
    return { picture: await fetched(input, place, get), moved: [] };
  }
  if (input instanceof Blob) return { picture: input, moved: [] };
  if (typeof createImageBitmap === "undefined") {
    throw new KithError(
      "IMAGE_DECODE",
      `picture ${place}: expected { data, width, height, channels }`,
    );
  }
  try {
    const options = { premultiplyAlpha: "none", colorSpaceConversion: "none" } as const;
    const bitmap = await createImageBitmap(input as ImageBitmapSource, options);
    return { picture: bitmap, moved: [bitmap] };
  } catch (cause) {
    const message = `picture ${place} cannot be read: ${String(cause)}`;
    throw new KithError("IMAGE_DECODE", message, { cause });
  }
}

function isRaw(input: ImageInput): input is RawImage {
  return typeof input === "object" && "channels" in input && "data" in input;
}

function checked(raw: RawImage, place: number): RawImage {
  const { data, width, height, channels } = raw;
  const expected = width * height * channels;
  if (expected > 0 && data.length === expected) return raw;
  throw new KithError(
    "IMAGE_DECODE",
    `picture ${place}: ${width} x ${height} with ${channels} channels is ${expected} samples, got ${data.length}`,
  );
}

/** The caller keeps its pixels. */
function copied(raw: RawImage): { picture: RawImage; moved: Transferable[] } {
  const data = new Uint8Array(raw.data);
  return { picture: { ...raw, data }, moved: [data.buffer] };
}

async function fetched(url: string | URL, place: number, get: typeof fetch): Promise<Blob> {
  let response: Response;
  try {
    response = await get(url);
  } catch (cause) {
    const message = `picture ${place}: ${url} cannot be fetched: ${String(cause)}`;
    throw new KithError("IMAGE_DECODE", message, { cause });
  }
  if (response.ok) return response.blob();
  throw new KithError("IMAGE_DECODE", `picture ${place}: ${url}: HTTP ${response.status}`);
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
