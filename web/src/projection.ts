/** Embeddings as points of a map. */
import { present, type Embeddings } from "./embeddings.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import type { MapTask } from "./map.js";
import { startMap } from "./platform.js";
import { ProgressReporter } from "./progress.js";
import { finite, oneOf, optionsOf, positive, whole, within } from "./checks.js";
import type { CallOptions } from "./types.js";

/** How embeddings are drawn. */
export interface ProjectOptions extends CallOptions {
  /** `pca` (default): the directions of largest spread. `umap`: neighbourhoods; takes longer. */
  readonly method?: "pca" | "umap";
  /** Default 2. */
  readonly dims?: 2 | 3;
  /** Of UMAP. Default 0. */
  readonly seed?: number;
  /** Of UMAP: more shows the whole rather than the parts. Default 15. */
  readonly neighbors?: number;
  /** Of UMAP: less lets points lie closer together, in (0, 1]. Default 0.1. */
  readonly minDist?: number;
}

/** Fewer rows have no neighbourhoods. */
const LEAST = 3;

/**
 * Points of a map, `[count, dims]`. Errors: `TOO_FEW_EXAMPLES` below 3 rows, `SETTING`, `ABORTED`,
 * `WORKER_START`, `OUT_OF_MEMORY`, `DIVERGED` for rows too far apart to be drawn.
 */
export async function project(
  embeddings: Embeddings,
  options: ProjectOptions = {},
): Promise<Float32Array> {
  optionsOf(options);
  throwIfAborted(options.signal);
  const task = taskOf(embeddings, options);
  const progress = new ProgressReporter(options.onProgress, { project: 1 });
  const run = startMap(task, (message) => {
    if ("epoch" in message) progress.at("project", message.epoch, message.epochs);
  });
  try {
    const points = await unlessAborted(run.points, options.signal);
    if (!points.every(Number.isFinite)) {
      throw new KithError("DIVERGED", "the map has points that are nowhere", {
        hint: "Normalise the embeddings: their numbers are too large.",
      });
    }
    progress.at("project", embeddings.count, embeddings.count);
    return points;
  } finally {
    run.cancel();
  }
}

function taskOf(embeddings: Embeddings, options: ProjectOptions): MapTask {
  const { count, data, dim } = present(embeddings);
  if (count < LEAST) {
    const message = `a map wants at least ${LEAST} pictures, got ${count}`;
    throw new KithError("TOO_FEW_EXAMPLES", message);
  }
  finite("the embeddings", data, dim);
  const { method = "pca", dims = 2, seed = 0, neighbors = 15, minDist = 0.1 } = options;
  return {
    method: oneOf("method", method, ["pca", "umap"]),
    rows: data.slice(),
    dim,
    dims: within("dims", whole("dims", dims, 1), [2, 3]),
    seed: whole("seed", seed, 0),
    neighbors: whole("neighbors", neighbors, 2),
    minDist: within("minDist", positive("minDist", minDist), [0, 1]),
  };
}
