/** Embeddings as points of a map. */
import { present, type Embeddings } from "./embeddings.js";
import { KithError, throwIfAborted, unlessAborted, withReject } from "./errors.js";
import type { MapMessage, MapTask } from "./map-worker.js";
import { Progressing } from "./progress.js";
import { started } from "./port.js";
import { finite, oneOf, optionsOf, positive, whole, within } from "./setting.js";
import type { CallOptions } from "./types.js";

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

/** How a map is drawn here: in a worker, or, in Node, in place. */
export type MapRunner = (
  task: MapTask,
  told: (message: MapMessage) => void,
) => { found: Promise<Float32Array>; cancel(): void };

/** Set once by the entry point. */
let runner: MapRunner;
export function setMapRunner(own: MapRunner): void {
  runner = own;
}

/** A runner that starts a worker for each map. */
export function inWorker(make: () => Worker): MapRunner {
  return (task, told) => {
    const worker = started(make);
    const { promise: failed, reject } = withReject();
    const done = new Promise<Float32Array>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<MapMessage>) => {
        if ("found" in data) resolve(data.found);
        else if ("failed" in data) reject(new KithError(data.code, data.failed));
        else told(data);
      };
    });
    worker.onerror = (event) => reject(new KithError("WORKER_START", event.message));
    worker.postMessage(task, [task.rows.buffer as ArrayBuffer]);
    return { found: Promise.race([done, failed]), cancel: () => worker.terminate() };
  };
}

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
  const progress = new Progressing(options.onProgress, { project: 1 });
  const run = runner(task, (message) => {
    if ("epoch" in message) progress.at("project", message.epoch, message.epochs);
  });
  try {
    const found = await unlessAborted(run.found, options.signal);
    if (!found.every(Number.isFinite)) {
      throw new KithError("DIVERGED", "the map has points that are nowhere", {
        hint: "Normalise the embeddings: their numbers are too large.",
      });
    }
    progress.at("project", embeddings.count, embeddings.count);
    return found;
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
