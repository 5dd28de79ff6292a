/** Pictures a batch at a time, on their way to the backend. */
import type { EngineRef } from "./engine-ref.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import { decodable, eachImage, pixelsOf, type Sending } from "./image.js";
import { unlessLost } from "./remote-object.js";
import type { ImageInput, Images } from "./types.js";
import type { Frame, Pictures } from "./wasm-module.js";

/** Side of a square in pixels: a batch of larger ones has no memory in a tab. */
export const MOST_SIDE = 1024;

/** The most pixels of a call, before they are resized, that short work may have. */
const MOST_NEAR_PIXELS = 2 ** 18;

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
  how: Sending,
): Promise<{ sent: Pictures; moved: Transferable[] }> {
  const all = await Promise.all(images.map((image, place) => decodable(image, first + place, how)));
  const pictures = all.map(({ picture }) => picture);
  return { sent: { pictures, first, side, preprocessing }, moved: all.flatMap((one) => one.moved) };
}

/** A batch's size, if its time is in proportion to it: larger pictures take their own to be resized. */
export function sizeOf({ images }: InputBatch): number | undefined {
  const pixels = images.reduce((sum, image) => sum + pixelsOf(image), 0);
  return pixels <= MOST_NEAR_PIXELS ? images.length : undefined;
}

/** A batch through `work`; in halves where memory does not suffice. */
export async function inMemory(
  inputs: InputBatch,
  work: (inputs: InputBatch) => Promise<Float32Array>,
): Promise<Float32Array[]> {
  try {
    return [await work(inputs)];
  } catch (error) {
    const { images, first } = inputs;
    const full = error instanceof KithError && error.code === "OUT_OF_MEMORY";
    if (!full || images.length === 1) throw error;
    const half = images.length >> 1;
    const rest = { images: images.slice(half), first: first + half };
    return [
      ...(await inMemory({ images: images.slice(0, half), first }, work)),
      ...(await inMemory(rest, work)),
    ];
  }
}

/** Decodes, cuts and resizes pictures in the backend. */
export async function* squares(
  engine: EngineRef,
  images: Images,
  { side, preprocessing, signal, fetch, batchSize }: SquaresOptions,
): AsyncGenerator<Batch> {
  for await (const inputs of batches(images, { batchSize, signal })) {
    // Pictures that were handed over to a backend that ended are sent again.
    const resized = unlessLost(async () => {
      const { sent, moved } = await sendable(inputs, { side, preprocessing }, { fetch });
      return engine.squares(sent, moved);
    });
    yield { pixels: await unlessAborted(resized, signal), count: inputs.images.length };
  }
}
