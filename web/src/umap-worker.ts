/** UMAP in a worker of its own: to give up is to end the worker. */
import { UMAP } from "umap-js";

import { random } from "./random.js";

export interface UmapTask {
  readonly rows: Float32Array;
  readonly dim: number;
  readonly dims: number;
  readonly seed: number;
  readonly neighbors: number;
  readonly minDist: number;
}

export type UmapMessage =
  | { readonly epoch: number; readonly epochs: number }
  | { readonly found: Float32Array }
  | { readonly failed: string };

/** Epochs between two words of progress. */
const EVERY = 10;

/** Places of the rows in few dimensions, `[count, dims]`. */
export function umap(task: UmapTask, told: (message: UmapMessage) => void): Float32Array {
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

/** Only a worker has this; Node calls `umap` itself. */
const scope = globalThis as unknown as {
  WorkerGlobalScope?: unknown;
  postMessage(message: UmapMessage, moved?: Transferable[]): void;
  onmessage: ((event: { data: UmapTask }) => void) | null;
};

if (scope.WorkerGlobalScope) {
  scope.onmessage = ({ data }) => {
    try {
      const found = umap(data, (message) => scope.postMessage(message));
      scope.postMessage({ found }, [found.buffer as ArrayBuffer]);
    } catch (error) {
      scope.postMessage({ failed: String(error) });
    }
  };
}
