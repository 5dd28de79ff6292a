/** Principal components: the directions in which rows vary most. */
import { random } from "./random.js";

/** Rounds after which the directions have settled. */
const ROUNDS = 60;
/** Directions are found together with some more, so that the wanted ones settle soon. */
const SPARE = 4;

/**
 * Coordinates of rows along their `dims` first principal components, `[count, dims]`, centred. The
 * sign of a component is such that its largest loading is positive. By orthogonal iteration on the
 * covariance; deterministic.
 */
export function pca(data: Float32Array, dim: number, dims: number): Float32Array {
  const count = data.length / dim;
  const centred = centre(data, dim);
  const covariance = covarianceOf(centred, dim);
  const wanted = Math.min(dims + SPARE, dim);
  let directions = start(wanted, dim);
  for (let round = 0; round < ROUNDS; round += 1) {
    directions = orthonormal(directions.map((direction) => times(covariance, direction)));
  }
  const ordered = directions
    .map((direction) => ({ direction, spread: inner(times(covariance, direction), direction) }))
    .sort((a, b) => b.spread - a.spread)
    .map(({ direction }) => upright(direction));
  const found = new Float32Array(count * dims);
  for (let axis = 0; axis < Math.min(dims, dim); axis += 1) {
    const direction = ordered[axis]!;
    for (let row = 0; row < count; row += 1) {
      let sum = 0;
      for (let i = 0; i < dim; i += 1) sum += centred[row * dim + i]! * direction[i]!;
      found[row * dims + axis] = sum;
    }
  }
  return found;
}

function centre(data: Float32Array, dim: number): Float32Array {
  const means = new Float64Array(dim);
  const count = data.length / dim;
  data.forEach((x, i) => (means[i % dim]! += x / count));
  return data.map((x, i) => x - means[i % dim]!);
}

/** Row by row, so that memory is walked in order. */
function covarianceOf(centred: Float32Array, dim: number): Float64Array[] {
  const rows = Array.from({ length: dim }, () => new Float64Array(dim));
  for (let start = 0; start < centred.length; start += dim) {
    for (let i = 0; i < dim; i += 1) {
      const x = centred[start + i]!;
      const row = rows[i]!;
      for (let j = i; j < dim; j += 1) row[j]! += x * centred[start + j]!;
    }
  }
  rows.forEach((row, i) => {
    for (let j = 0; j < i; j += 1) row[j] = rows[j]![i]!;
  });
  return rows;
}

function start(wanted: number, dim: number): Float64Array[] {
  const draw = random(0);
  return orthonormal(
    Array.from({ length: wanted }, () => Float64Array.from({ length: dim }, () => draw() - 0.5)),
  );
}

function times(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => inner(row, vector));
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

/** Gram and Schmidt; what has no direction of its own becomes zero. */
function orthonormal(vectors: Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    const size = Math.sqrt(inner(vector, vector));
    for (const other of done) {
      const along = inner(vector, other);
      other.forEach((x, i) => (vector[i]! -= along * x));
    }
    const length = Math.sqrt(inner(vector, vector));
    const scale = length > 1e-9 * size && length > 0 ? 1 / length : 0;
    done.push(vector.map((x) => x * scale));
  }
  return done;
}

function upright(direction: Float64Array): Float64Array {
  const largest = direction.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  return largest < 0 ? direction.map((x) => -x) : direction;
}
