/** Maps of embeddings: their rows as points in two or three dimensions. */
import { UMAP } from "umap-js";

import { pca } from "./pca.js";
import { random } from "./random.js";

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
  | { readonly points: Float32Array }
  | { readonly failed: string; readonly code: "OUT_OF_MEMORY" | "WASM_PANIC" };

/** Dimensions that UMAP is given: more take time and change little. */
const BEFORE_UMAP = 50;
/** Epochs between two reports of progress. */
const EVERY = 10;

/** The rows in few dimensions, `[count, dims]`. */
export function computeMap(task: MapTask, onMessage: (message: MapMessage) => void): Float32Array {
  const { rows, dim } = task;
  if (task.method === "pca") return pca(rows, dim, task.dims);
  if (dim <= BEFORE_UMAP) return umap(task, onMessage);
  return umap({ ...task, rows: pca(rows, dim, BEFORE_UMAP), dim: BEFORE_UMAP }, onMessage);
}

function umap(task: MapTask, onMessage: (message: MapMessage) => void): Float32Array {
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
    if (epoch % EVERY === 0 || epoch === epochs) onMessage({ epoch, epochs });
  }
  return Float32Array.from(umap.getEmbedding().flat());
}

/** The only thing in a caller's data that fails here is its size. */
export function codeOf(error: unknown): "OUT_OF_MEMORY" | "WASM_PANIC" {
  return error instanceof RangeError ? "OUT_OF_MEMORY" : "WASM_PANIC";
}
