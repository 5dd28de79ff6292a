/** Embeddings as points of a map. */
import type { Embeddings } from "./embeddings.js";
import { KithError, throwIfAborted, unlessAborted, withReject } from "./errors.js";
import { pca } from "./pca.js";
import { Progressing } from "./progress.js";
import type { CallOptions } from "./types.js";
import type { UmapMessage, UmapTask } from "./umap-worker.js";

export interface ProjectOptions extends CallOptions {
  /** `pca` (default) at once, `umap` in a worker. */
  readonly method?: "pca" | "umap";
  /** Default 2. */
  readonly dims?: 2 | 3;
  /** Of UMAP. Default 0. */
  readonly seed?: number;
  /** Of UMAP: more shows the whole rather than the parts. Default 15. */
  readonly neighbors?: number;
  /** Of UMAP: less lets points lie closer together. Default 0.1. */
  readonly minDist?: number;
}

/** Dimensions that UMAP is given: more cost time and say nothing. */
const BEFORE_UMAP = 50;
/** Fewer rows have no neighbourhoods. */
const LEAST = 3;

/** How UMAP is computed here: in a worker, or, in Node, in place. Set by the entry point. */
export type UmapRunner = (
  task: UmapTask,
  told: (message: UmapMessage) => void,
) => { found: Promise<Float32Array>; cancel(): void };

let runner: UmapRunner;
export function setUmapRunner(own: UmapRunner): void {
  runner = own;
}

/** A runner that starts a worker for each task. */
export function inWorker(make: () => Worker): UmapRunner {
  return (task, told) => {
    const worker = make();
    const { promise: failed, reject } = withReject();
    const done = new Promise<Float32Array>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<UmapMessage>) => {
        if ("found" in data) resolve(data.found);
        else if ("failed" in data) reject(new KithError("WASM_PANIC", data.failed));
        else told(data);
      };
    });
    worker.onerror = (event) => reject(new KithError("WORKER_START", event.message));
    worker.postMessage(task);
    const found = Promise.race([done, failed]).finally(() => worker.terminate());
    return { found, cancel: () => worker.terminate() };
  };
}

/**
 * Points of a map, `[count, dims]`. Errors: `TOO_FEW_EXAMPLES` below 3 rows, `ABORTED`,
 * `WORKER_START`.
 */
export async function project(
  embeddings: Embeddings,
  options: ProjectOptions = {},
): Promise<Float32Array> {
  const { method = "pca", dims = 2, signal } = options;
  throwIfAborted(signal);
  if (embeddings.count < LEAST) {
    const message = `a map wants at least ${LEAST} pictures, got ${embeddings.count}`;
    throw new KithError("TOO_FEW_EXAMPLES", message);
  }
  const progress = new Progressing(options.onProgress, { project: 1 });
  const { data, dim } = embeddings;
  if (method === "pca") {
    const found = pca(data, dim, dims);
    progress.at("project", embeddings.count, embeddings.count);
    return found;
  }
  const { seed = 0, neighbors = 15, minDist = 0.1 } = options;
  const fewer = Math.min(dim, BEFORE_UMAP);
  const rows = dim > BEFORE_UMAP ? pca(data, dim, fewer) : data.slice();
  const run = runner({ rows, dim: fewer, dims, seed, neighbors, minDist }, (message) => {
    if ("epoch" in message) progress.at("project", message.epoch, message.epochs);
  });
  try {
    return await unlessAborted(run.found, signal);
  } finally {
    run.cancel();
  }
}
