/** Pictures a batch at a time, on their way to the backend. */
import type { EngineRef } from "./engine-ref.js";
import { throwIfAborted, unlessAborted } from "./errors.js";
import { decodable, eachImage } from "./image.js";
import type { ImageInput, Images } from "./types.js";
import type { Frame, Pictures } from "./wasm-module.js";

/** Side of a square in pixels: a batch of larger ones has no memory in a tab. */
export const MOST_SIDE = 1024;

/** Pictures as the caller gave them, so that they can be sent again. */
export interface InputBatch {
  readonly images: readonly ImageInput[];
  /** Place of the first in all. */
  readonly first: number;
}

/** Pictures as squares of planar bytes. */
export interface Batch {
  /** Planar bytes, `[count, 3, side, side]`. */
  readonly pixels: Uint8Array;
  readonly count: number;
}

export interface BatchOptions {
  readonly batchSize: number;
  readonly signal?: AbortSignal | undefined;
}

export interface SquaresOptions extends BatchOptions, Frame {
  readonly fetch?: typeof fetch | undefined;
}

/** All pictures, so many at a time. */
export async function* batches(
  images: Images,
  { batchSize, signal }: BatchOptions,
): AsyncGenerator<InputBatch> {
  let waiting: ImageInput[] = [];
  let first = 0;
  for await (const image of eachImage(images)) {
    throwIfAborted(signal);
    waiting.push(image);
    if (waiting.length < batchSize) continue;
    yield { images: waiting, first };
    first += waiting.length;
    waiting = [];
  }
  if (waiting.length > 0) yield { images: waiting, first };
}

/** A batch as it can be sent, and the buffers that are handed over with it. */
export async function sendable(
  { images, first }: InputBatch,
  { side, preprocessing }: Frame,
  get: typeof fetch | undefined,
): Promise<{ sent: Pictures; moved: Transferable[] }> {
  const all = await Promise.all(images.map((image, place) => decodable(image, first + place, get)));
  const pictures = all.map(({ picture }) => picture);
  return { sent: { pictures, first, side, preprocessing }, moved: all.flatMap((one) => one.moved) };
}

/** Decodes, cuts and resizes pictures in the backend. */
export async function* squares(
  engine: EngineRef,
  images: Images,
  { side, preprocessing, signal, fetch, batchSize }: SquaresOptions,
): AsyncGenerator<Batch> {
  for await (const inputs of batches(images, { batchSize, signal })) {
    const { sent, moved } = await unlessAborted(
      sendable(inputs, { side, preprocessing }, fetch),
      signal,
    );
    const pixels = await unlessAborted(engine.squares(sent, moved), signal);
    yield { pixels, count: inputs.images.length };
  }
}
