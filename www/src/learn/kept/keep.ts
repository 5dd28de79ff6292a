/** Keeps a run as it is now: its curves, its embeddings of its pictures, what its neighbours are worth. */
import type { CallOptions, Embeddings, Pretraining } from "kith-web";
import { KithError, KnnIndex } from "kith-web";
import type { AppState } from "../../app-state.js";
import { yieldToBrowser } from "../../debounce.js";
import { counterpart } from "../../gallery.js";
import type { Picture } from "../../picture.js";
import { pixelsOfAll } from "../../pixels.js";
import { checkpointOf } from "../checkpoint.js";
import type { Point, RunConfig } from "../run.js";
import type { KeptRun, NeighbourScores, Share } from "./kept-runs.js";

/** A run, its pictures and its curves. */
export interface Keeping {
  readonly app: AppState;
  readonly run: Pretraining;
  readonly pictures: readonly Picture[];
  readonly config: RunConfig;
  readonly points: readonly Point[];
}

/** Pictures that are embedded between two reports of progress. */
const PART = 256;
/** Pictures whose neighbours are looked up before the browser may draw. */
const CHUNK = 16;

/** What is kept of a run. */
export async function snapshot(
  { app, run, pictures, config, points }: Keeping,
  call: Required<CallOptions>,
): Promise<Omit<KeptRun, "number" | "at">> {
  const { step } = run;
  const { data, dim } = await embeddings(run, pictures, call);
  const checkpoint = await checkpointOf(run, config);
  if (run.step !== step) throw wentOn(step, run.step);
  const own = pictures[0]?.file !== undefined;
  return {
    config,
    recipeToml: run.recipeToml,
    metrics: run.metrics,
    points: [...points],
    step,
    total: run.total,
    side: run.plan.side,
    device: run.device.actual,
    source: own ? "own" : "gallery",
    ids: pictures.map(({ id }) => id),
    rows: data,
    dim,
    scores: await scoresOf(pictures, { data, dim }, own ? pictures : heldOut(app)),
    checkpoint,
  };
}

/** Its embeddings would be of several networks. */
const wentOn = (from: number, to: number): KithError =>
  new KithError("BUSY", `The run went on from step ${from} to ${to} while it was being kept.`, {
    hint: "Pause it, then try again.",
  });

/** Those emoji that the network of the page was tested on: its share and a run's are of the same pictures. */
const heldOut = ({ gallery, trained }: AppState): Picture[] =>
  (trained.metadata?.heldOut ?? []).map((place) => gallery[place]!);

async function embeddings(
  run: Pretraining,
  pictures: readonly Picture[],
  { signal, onProgress }: Required<CallOptions>,
): Promise<{ data: Float32Array; dim: number }> {
  const parts: Embeddings[] = [];
  const total = pictures.length;
  for (let from = 0; from < total; from += PART) {
    parts.push(await run.embed(pixelsOfAll(pictures.slice(from, from + PART)), { signal }));
    const loaded = Math.min(total, from + PART);
    onProgress({ phase: "embed", loaded, total, fraction: loaded / total, fromCache: false });
  }
  const { dim } = parts[0]!;
  const data = new Float32Array(total * dim);
  parts.forEach((part, place) => data.set(part.data, place * PART * dim));
  return { data, dim };
}

/** How good the nearest neighbours of `asked` are, among all pictures. */
async function scoresOf(
  pictures: readonly Picture[],
  { data, dim }: { data: Float32Array; dim: number },
  asked: readonly Picture[],
): Promise<NeighbourScores> {
  const index = new KnnIndex(dim);
  index.add(data, pictures);
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
