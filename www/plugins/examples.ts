/**
 * The examples of the first screen. Nobody picks them: of the pictures that were kept out of training,
 * sorted by the number at which the other vendor's drawing comes, those in the middle, at the quarters,
 * at the eighths and so on; of several with the same number, the first of the gallery.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rankOf } from "../src/rank.js";
import { unpack, type Packed } from "../src/unpack.js";

/** Shares that are tried: to the thirty-seconds. */
const SHARES = 31;

export interface Examples {
  /** Pictures that were sorted. */
  readonly count: number;
  /** Numbers of the pictures, and which share of all came before each. */
  readonly chosen: readonly { readonly picture: number; readonly share: number }[];
  /** For half of the pictures the other drawing is among so many nearest, by network. */
  readonly half: Readonly<Record<"trained" | "random", number>>;
}

interface Ranked {
  readonly picture: number;
  readonly rank: number;
}

/** The examples of the networks in a folder. */
export function examplesOf(folder: string): Examples {
  const { heldOut = [] } = metadataOf(folder, "trained");
  const trained = ranked(rowsOf(folder, "trained"), heldOut);
  const random = ranked(rowsOf(folder, "random"), heldOut);
  const chosen = new Map<number, number>();
  for (let place = 1; place <= SHARES; place += 1) {
    const share = halving(place);
    const { rank } = at(trained, share);
    const { picture } = trained.find((each) => each.rank === rank)!;
    if (!chosen.has(picture)) chosen.set(picture, share);
  }
  return {
    count: trained.length,
    chosen: [...chosen].map(([picture, share]) => ({ picture, share })),
    half: { trained: at(trained, 0.5).rank, random: at(random, 0.5).rank },
  };
}

function metadataOf(folder: string, name: string): Packed & { readonly heldOut?: number[] } {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Packed;
}

/** The embeddings, each of length one. */
function rowsOf(folder: string, name: string): Float32Array[] {
  const metadata = metadataOf(folder, name);
  const { dim } = metadata.info;
  const data = unpack(readFileSync(join(folder, `${name}.bin`)), metadata);
  return Array.from({ length: data.length / dim }, (_, row) => {
    const values = data.subarray(row * dim, (row + 1) * dim);
    const length = Math.hypot(...values) || 1;
    return values.map((value) => value / length);
  });
}

/** Pictures by the number of the other drawing, which is the picture's neighbour in the gallery. */
function ranked(rows: readonly Float32Array[], pictures: readonly number[]): Ranked[] {
  return pictures
    .map((picture) => ({ picture, rank: rankOf(rows, picture, picture ^ 1) }))
    .sort((a, b) => a.rank - b.rank || a.picture - b.picture);
}

/** The first before which, itself included, a share of all has come. */
const at = (all: readonly Ranked[], share: number): Ranked =>
  all[Math.max(0, Math.ceil(share * all.length) - 1)]!;

/** 1/2, 1/4, 3/4, 1/8, 5/8, 3/8, … */
function halving(place: number): number {
  let [share, part] = [0, 0.5];
  for (let rest = place; rest > 0; rest >>= 1, part /= 2) share += part * (rest & 1);
  return share;
}
