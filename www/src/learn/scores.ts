/** What the neighbours by a run's encoder are worth. */
import { KnnIndex, type CallOptions, type Embeddings, type Pretraining } from "kith-web";
import type { AppState } from "../app-state.js";
import { yieldToBrowser } from "../debounce.js";
import { counterpart } from "../gallery.js";
import type { Picture } from "../picture.js";
import { pixelsOfAll } from "../pixels.js";

/** How good neighbours are, as shares of pictures. */
export interface NeighbourScores {
  /** Whose nearest neighbour is the other vendor's drawing of the same emoji. */
  readonly otherVendor?: Share;
  /** Whose nearest neighbour is of the same class. */
  readonly sameClass?: Share;
}

export interface Share {
  readonly share: number;
  /** Of so many pictures. */
  readonly of: number;
}

/** Embeddings of pictures, in their order. */
export interface Rows {
  /** `[count, dim]`, of length one. */
  readonly data: Float32Array;
  readonly dim: number;
}

/** Pictures that are embedded between two reports of progress. */
const PART = 256;
/** Pictures whose neighbours are looked up before the browser may draw. */
const CHUNK = 16;

/** Those emoji that the network of the page was tested on: its share and a run's are of the same pictures. */
export const heldOut = ({ gallery, trained }: Pick<AppState, "gallery" | "trained">): Picture[] =>
  (trained.metadata?.heldOut ?? []).map((place) => gallery[place]!);

/** Embeddings by a run's encoder as it is now. */
export async function embeddingsBy(
  run: Pretraining,
  pictures: readonly Picture[],
  { signal, onProgress }: CallOptions = {},
): Promise<Rows> {
  const parts: Embeddings[] = [];
  const total = pictures.length;
  for (let from = 0; from < total; from += PART) {
    const part = pixelsOfAll(pictures.slice(from, from + PART));
    parts.push(await run.embed(part, signal && { signal }));
    const loaded = Math.min(total, from + PART);
    onProgress?.({ phase: "embed", loaded, total, fraction: loaded / total, fromCache: false });
  }
  const { dim } = parts[0]!;
  const data = new Float32Array(total * dim);
  parts.forEach((part, place) => data.set(part.data, place * PART * dim));
  return { data, dim };
}

/** An index of pictures, built in parts, between which the browser may draw. */
export async function indexOf(
  pictures: readonly Picture[],
  { data, dim }: Rows,
): Promise<KnnIndex> {
  const index = new KnnIndex(dim);
  for (let from = 0; from < pictures.length; from += PART) {
    await yieldToBrowser();
    const end = Math.min(pictures.length, from + PART);
    index.add(
      data.subarray(from * dim, end * dim),
      pictures.slice(from, end).map(({ id }) => ({ id })),
    );
  }
  return index;
}

/** How good the nearest neighbours of `asked` are, among all pictures. */
export async function scoresOf(
  pictures: readonly Picture[],
  { data, dim }: Rows,
  asked: readonly Picture[],
): Promise<NeighbourScores> {
  const index = await indexOf(pictures, { data, dim });
  const place = new Map(pictures.map(({ id }, at) => [id, at]));
  const nearest: (readonly [asked: Picture, found: Picture])[] = [];
  for (const [i, picture] of asked.entries()) {
    if (i % CHUNK === 0) await yieldToBrowser();
    const at = place.get(picture.id)!;
    const row = data.subarray(at * dim, (at + 1) * dim);
    const found = index.query(row, { k: 1, exclude: [picture.id] })[0]?.[0];
    if (found) nearest.push([picture, pictures[found.index]!]);
  }
  const pairs = nearest.filter(([picture]) => counterpart(pictures, picture));
  const labelled = nearest.filter(([picture]) => picture.label !== null);
  return {
    ...share("otherVendor", pairs, ([one, found]) => counterpart(pictures, one) === found),
    ...share("sameClass", labelled, ([one, found]) => one.label === found.label),
  };
}

/** A share under its name; nothing where there is nothing to count. */
function share<T>(
  name: keyof NeighbourScores,
  all: readonly T[],
  good: (one: T) => boolean,
): Partial<Record<keyof NeighbourScores, Share>> {
  if (all.length === 0) return {};
  return { [name]: { share: all.filter(good).length / all.length, of: all.length } };
}
