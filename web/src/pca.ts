/** Principal components: the directions in which rows vary most. */
import { random } from "./random.js";

/** Directions that are found beside the wanted ones, so that these settle sooner. */
const SPARE = 8;
/** Rounds after which the directions are taken as they are. */
const ROUNDS = 1_000;
/** A direction has settled when it is off by less, relative to the largest spread. */
const SETTLED = 1e-7;

type Vectors = Float64Array[];

/**
 * Coordinates of rows along their `dims` first principal components, `[count, dims]`, centred. The
 * largest loading of each component is positive. Subspace iteration on the covariance with a
 * Rayleigh-Ritz step a round (Saad 2011, chapter 5); deterministic.
 */
export function pca(data: Float32Array, dim: number, dims: number): Float32Array {
  const count = data.length / dim;
  const centred = centre(data, dim);
  const axes = components(covarianceOf(centred, dim), Math.min(dims, dim)).map(upright);
  const found = new Float32Array(count * dims);
  for (let row = 0; row < count; row += 1) {
    const own = centred.subarray(row * dim, (row + 1) * dim);
    axes.forEach((axis, place) => (found[row * dims + place] = inner(own, axis)));
  }
  return found;
}

function centre(data: Float32Array, dim: number): Float32Array {
  const means = new Float64Array(dim);
  const count = data.length / dim;
  for (let i = 0; i < data.length; i += 1) means[i % dim]! += data[i]! / count;
  return data.map((x, i) => x - means[i % dim]!);
}

/** Row by row, so that memory is walked in order. */
function covarianceOf(centred: Float32Array, dim: number): Vectors {
  const rows = Array.from({ length: dim }, () => new Float64Array(dim));
  for (let start = 0; start < centred.length; start += dim) {
    const own = centred.subarray(start, start + dim);
    for (let i = 0; i < dim; i += 1) {
      const x = own[i]!;
      const row = rows[i]!;
      for (let j = i; j < dim; j += 1) row[j]! += x * own[j]!;
    }
  }
  rows.forEach((row, i) => {
    for (let j = 0; j < i; j += 1) row[j] = rows[j]![i]!;
  });
  return rows;
}

/** The `wanted` directions of the largest spread, falling. */
function components(covariance: Vectors, wanted: number): Vectors {
  const draw = random(0);
  const dim = covariance.length;
  const some = Math.min(wanted + SPARE, dim);
  let basis: Vectors = Array.from({ length: some }, () =>
    Float64Array.from({ length: dim }, () => draw() - 0.5),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    orthonormalize(basis);
    const images = basis.map((vector) => times(covariance, vector));
    const small = basis.map((a) => Float64Array.from(images, (b) => inner(a, b)));
    const { values, vectors } = eigen(small);
    basis = vectors.map((mix) => mixed(basis, mix));
    const moved = vectors.map((mix) => mixed(images, mix));
    if (settled(basis, moved, values, wanted)) break;
    basis = moved;
  }
  orthonormalize(basis);
  return basis.slice(0, wanted);
}

function settled(basis: Vectors, moved: Vectors, values: Float64Array, wanted: number): boolean {
  const largest = values[0]!;
  if (!(largest > 0)) return true;
  for (let k = 0; k < wanted; k += 1) {
    const off = moved[k]!.map((x, i) => x - values[k]! * basis[k]![i]!);
    if (Math.sqrt(inner(off, off)) > SETTLED * largest) return false;
  }
  return true;
}

/** Eigenvectors of a small symmetric matrix, by falling eigenvalue (Jacobi's rotations). */
function eigen(matrix: Vectors): { values: Float64Array; vectors: Vectors } {
  const size = matrix.length;
  const a = matrix.map((row) => row.slice());
  const v = a.map((_, i) => Float64Array.from(a, (_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 30 && offDiagonal(a) > 0; sweep += 1) {
    for (let p = 0; p < size; p += 1) {
      for (let q = p + 1; q < size; q += 1) rotate(a, v, p, q);
    }
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return {
    values: Float64Array.from(order, (i) => a[i]![i]!),
    vectors: order.map((i) => Float64Array.from(v, (row) => row[i]!)),
  };
}

function offDiagonal(a: Vectors): number {
  const scale = Math.max(...a.map((row, i) => Math.abs(row[i]!)));
  const off = Math.max(0, ...a.flatMap((row, i) => [...row.subarray(i + 1)].map(Math.abs)));
  return off > 1e-15 * scale ? off : 0;
}

/** Makes `a[p][q]` zero. */
function rotate(a: Vectors, v: Vectors, p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const row of [...a, ...v]) {
    [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
  }
  const [rowP, rowQ] = [a[p]!, a[q]!];
  for (let j = 0; j < a.length; j += 1) {
    [rowP[j], rowQ[j]] = [c * rowP[j]! - s * rowQ[j]!, s * rowP[j]! + c * rowQ[j]!];
  }
}

function mixed(vectors: Vectors, mix: Float64Array): Float64Array {
  const sum = new Float64Array(vectors[0]!.length);
  vectors.forEach((vector, k) => {
    for (let i = 0; i < sum.length; i += 1) sum[i]! += mix[k]! * vector[i]!;
  });
  return sum;
}

function times(matrix: Vectors, vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => inner(row, vector));
}

function inner(a: Float64Array | Float32Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

/** Gram and Schmidt, twice for accuracy; what has no direction of its own becomes zero. */
function orthonormalize(vectors: Vectors): void {
  vectors.forEach((vector, place) => {
    const size = Math.sqrt(inner(vector, vector));
    for (const other of [...vectors.slice(0, place), ...vectors.slice(0, place)]) {
      const along = inner(vector, other);
      for (let i = 0; i < vector.length; i += 1) vector[i]! -= along * other[i]!;
    }
    const length = Math.sqrt(inner(vector, vector));
    const scale = length > 1e-12 * size && length > 0 ? 1 / length : 0;
    for (let i = 0; i < vector.length; i += 1) vector[i]! *= scale;
  });
}

function upright(direction: Float64Array): Float64Array {
  const largest = direction.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  return largest < 0 ? direction.map((x) => -x) : direction;
}
