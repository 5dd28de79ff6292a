/** Pictures as squares of planar bytes, a batch at a time. */
import type { Lease } from "./engine.js";
import { throwIfAborted, unlessAborted } from "./errors.js";
import { decodable, eachImage } from "./image.js";
import type { Images } from "./types.js";

export interface Batch {
  /** Planar bytes, `[count, 3, side, side]`. */
  readonly pixels: Uint8Array;
  readonly count: number;
}

export interface SquaresOptions {
  readonly side: number;
  readonly batchSize: number;
  readonly signal?: AbortSignal | undefined;
  readonly fetch?: typeof fetch | undefined;
}

/** Decodes, cuts and resizes pictures on the computing side. */
export async function* squares(
  lease: Lease,
  images: Images,
  { side, batchSize, signal, fetch }: SquaresOptions,
): AsyncGenerator<Batch> {
  let waiting: Awaited<ReturnType<typeof decodable>>[] = [];
  let place = 0;
  const convert = async (): Promise<Batch> => {
    const pictures = waiting.map(({ picture }) => picture);
    const moved = waiting.flatMap((one) => one.moved);
    waiting = [];
    const pixels = await unlessAborted(lease.call("squares", [pictures, side], moved), signal);
    return { pixels, count: pictures.length };
  };
  for await (const image of eachImage(images)) {
    throwIfAborted(signal);
    waiting.push(await unlessAborted(decodable(image, place++, fetch), signal));
    if (waiting.length === batchSize) yield await convert();
  }
  if (waiting.length > 0) yield await convert();
}
