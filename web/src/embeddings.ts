/** Embeddings of pictures: one row of numbers a picture, in memory of the page's own. */
import { KithError } from "./errors.js";
import { attached, list, wrong } from "./checks.js";
import { describe } from "./describe.js";

/** Embeddings of pictures: rows of numbers, `[count, dim]`, that the page owns. */
export class Embeddings {
  /** Row-major, `[count, dim]`. */
  readonly data: Float32Array;
  /** How many rows. */
  readonly count: number;
  /** Numbers a row. */
  readonly dim: number;
  /** Whether every row has length one. */
  readonly normalized: boolean;
  /** Of the encoder that made them, if one did. */
  readonly encoderFingerprint: string | undefined;

  /** Errors: `SETTING` for what is no Float32Array, `DIM_MISMATCH` for what is no rows of `dim`. */
  constructor(
    data: Float32Array,
    dim: number,
    more: { normalized?: boolean; encoderFingerprint?: string | undefined } = {},
  ) {
    if (!(data instanceof Float32Array)) throw wrong("data", data, "a Float32Array");
    if (!Number.isInteger(dim) || dim < 1 || data.length % dim !== 0) {
      throw new KithError("DIM_MISMATCH", `${data.length} numbers are no rows of ${describe(dim)}`);
    }
    this.data = data;
    this.dim = dim;
    this.count = data.length / dim;
    this.normalized = more?.normalized ?? false;
    this.encoderFingerprint = more?.encoderFingerprint;
  }

  /** The numbers of one picture: a view, not a copy. */
  row(place: number): Float32Array {
    if (!(Number.isInteger(place) && place >= 0 && place < this.count)) {
      throw new KithError("DIM_MISMATCH", `there is no row ${describe(place)} of ${this.count}`);
    }
    if (this.data.length === 0) present(this);
    return this.data.subarray(place * this.dim, (place + 1) * this.dim);
  }

  /** The rows at these places, in their order. */
  select(places: readonly number[]): Embeddings {
    const rows = Array.from(list("places", places), (place) => this.row(place));
    const data = new Float32Array(rows.length * this.dim);
    rows.forEach((row, to) => data.set(row, to * this.dim));
    return new Embeddings(data, this.dim, this);
  }

  /** The same with every row of length one; a row of zeros stays. */
  normalize(): Embeddings {
    if (this.normalized) return this;
    const data = present(this).data.slice();
    for (let start = 0; start < data.length; start += this.dim) {
      unit(data.subarray(start, start + this.dim));
    }
    return new Embeddings(data, this.dim, { ...this, normalized: true });
  }
}

/** Makes a row one long, in place; gives its length before. */
export function unit(row: Float32Array): number {
  let square = 0;
  for (const x of row) square += x * x;
  const length = Math.sqrt(square);
  if (length > 0) for (let i = 0; i < row.length; i += 1) row[i]! /= length;
  return length;
}

/** Rows of embeddings, or one row as such. */
export function rowsOf(rows: Embeddings | Float32Array, dim: number): Embeddings {
  const given = present(rows instanceof Float32Array ? new Embeddings(rows, dim) : rows);
  if (given.dim !== dim) {
    throw new KithError("DIM_MISMATCH", `expected ${dim} numbers a picture, got ${given.dim}`);
  }
  return given;
}

/** Embeddings whose numbers are there: a buffer that was transferred reads as no rows. */
export function present(embeddings: Embeddings): Embeddings {
  if (!(embeddings instanceof Embeddings)) {
    throw wrong("the embeddings", embeddings, "Embeddings or a Float32Array");
  }
  attached("the embeddings", embeddings.data, embeddings.count * embeddings.dim);
  return embeddings;
}

/** Refuses embeddings of another encoder than the one `what` is of, where both are known. */
export function sameEncoder(what: string, own: string | undefined, rows: Embeddings): void {
  const theirs = rows.encoderFingerprint;
  if (own === undefined || theirs === undefined || own === theirs) return;
  const message = `${what} is of encoder ${own}, the embeddings are of ${theirs}`;
  throw new KithError("ENCODER_MISMATCH", message);
}

/** Rows behind one another. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
