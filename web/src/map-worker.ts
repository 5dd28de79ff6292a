/** Maps of embeddings in a worker of their own: to give up is to end the worker. */
import { UMAP } from "umap-js";

import { pca } from "./pca.js";
import { random } from "./random.js";
import { shown } from "./shown.js";

export interface MapTask {
  readonly method: "pca" | "umap";
  /** `[count, dim]`. */
  readonly rows: Float32Array;
  readonly dim: number;
  readonly dims: number;
  readonly seed: number;
  readonly neighbors: number;
  readonly minDist: number;
}

export type MapMessage =
  | { readonly epoch: number; readonly epochs: number }
  | { readonly found: Float32Array }
  | { readonly failed: string; readonly code: "OUT_OF_MEMORY" | "WASM_PANIC" };

/** Dimensions that UMAP is given: more cost time and say nothing. */
const BEFORE_UMAP = 50;
/** Epochs between two words of progress. */
const EVERY = 10;

/** Places of the rows in few dimensions, `[count, dims]`. */
export function drawn(task: MapTask, told: (message: MapMessage) => void): Float32Array {
  const { rows, dim } = task;
  if (task.method === "pca") return pca(rows, dim, task.dims);
  if (dim <= BEFORE_UMAP) return umap(task, told);
  return umap({ ...task, rows: pca(rows, dim, BEFORE_UMAP), dim: BEFORE_UMAP }, told);
}

function umap(task: MapTask, told: (message: MapMessage) => void): Float32Array {
  const { rows, dim, dims, seed, neighbors, minDist } = task;
  const data = Array.from({ length: rows.length / dim }, (_, row) =>
    Array.from(rows.subarray(row * dim, (row + 1) * dim)),
  );
  const umap = new UMAP({
    nComponents: dims,
    nNeighbors: Math.max(2, Math.min(neighbors, data.length - 1)),
    minDist,
    random: random(seed),
  });
  const epochs = umap.initializeFit(data);
  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    umap.step();
    if (epoch % EVERY === 0 || epoch === epochs) told({ epoch, epochs });
  }
  return Float32Array.from(umap.getEmbedding().flat());
}

/** Arrays that cannot be made are the only thing that fails here by the caller's data. */
export function codeOf(error: unknown): "OUT_OF_MEMORY" | "WASM_PANIC" {
  return error instanceof RangeError ? "OUT_OF_MEMORY" : "WASM_PANIC";
}

/** Only a worker has this; Node draws in place. */
const scope = globalThis as unknown as {
  WorkerGlobalScope?: unknown;
  postMessage(message: MapMessage, moved?: Transferable[]): void;
  onmessage: ((event: { data: MapTask }) => void) | null;
};

if (scope.WorkerGlobalScope) {
  scope.onmessage = ({ data }) => {
    try {
      const found = drawn(data, (message) => scope.postMessage(message));
      scope.postMessage({ found }, [found.buffer as ArrayBuffer]);
    } catch (error) {
      scope.postMessage({ failed: shown(error), code: codeOf(error) });
    }
  };
}
