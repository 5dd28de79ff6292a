/** Pictures and labels that a run of pre-training learns from. */
import type { EngineRef } from "./engine-ref.js";
import { KithError } from "./errors.js";
import { classesOf, type Classes } from "./labels.js";
import { squares, type Batch } from "./squares.js";
import type { Images, PretrainConfig } from "./types.js";

/** Pictures that are decoded at a time. */
export const AT_A_TIME = 64;

/** Pictures of a run, squared: all of them, and those whose class is known. */
export interface TrainingData {
  readonly batches: readonly Batch[];
  /** Pictures in all batches. */
  readonly count: number;
  readonly labelled: Batch;
  readonly labels: Uint16Array;
  readonly classNames: readonly string[];
  /** The class of every picture, -1 where it is not known; empty where nothing is labelled. */
  readonly places: readonly number[];
  /** Names of the domains, sorted, and the domain of every picture; none where they are not known. */
  readonly domains: Classes;
  /** Equal for equal labels of equal pictures, and, but for chance, for no others. */
  readonly labelsHash: string;
  /** The same of domains. */
  readonly domainsHash: string;
}

/** Decodes pictures and reads their labels, the labels first, since they cost nothing. */
export async function gathered(
  engine: EngineRef,
  images: Images,
  side: number,
  config: Pick<PretrainConfig, "labels" | "domains" | "signal" | "fetch">,
): Promise<TrainingData> {
  const { labels = [], domains: said = [], signal, fetch } = config;
  const { names, places } = classesOf(labels, "allowed");
  const domains = classesOf(said, "refused", "domain");
  const batches: Batch[] = [];
  const options = { side, batchSize: AT_A_TIME, signal, fetch };
  for await (const batch of squares(engine, images, options)) batches.push(batch);
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  for (const [what, { length }] of [["labels", places] as const, ["domains", said] as const]) {
    if (length === 0 || length === count) continue;
    throw new KithError("DIM_MISMATCH", `expected ${count} ${what}, one a picture, got ${length}`);
  }
  const known = places.flatMap((label, place) => (label < 0 ? [] : [place]));
  return {
    batches,
    count,
    labelled: { pixels: chosen(batches, known, 3 * side * side), count: known.length },
    labels: Uint16Array.from(known, (place) => places[place]!),
    classNames: names,
    places,
    domains,
    labelsHash: known.length > 0 ? hashOf({ names, places }) : "none",
    domainsHash: said.length > 0 ? hashOf(domains) : "none",
  };
}

const hashOf = ({ names, places }: Classes): string => hashed(JSON.stringify([names, places]));

/** The pixels of the pictures at these places. */
function chosen(batches: readonly Batch[], places: readonly number[], picture: number): Uint8Array {
  const pixels = new Uint8Array(places.length * picture);
  places.forEach((place, to) => {
    const { pixels: from } = batches[Math.floor(place / AT_A_TIME)]!;
    const start = (place % AT_A_TIME) * picture;
    pixels.set(from.subarray(start, start + picture), to * picture);
  });
  return pixels;
}

/** Eight hexadecimal digits of a text (FNV-1a, Fowler, Noll and Vo). */
function hashed(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}
