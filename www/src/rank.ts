/** At which number a picture comes among the neighbours of another. */

/** Rows of numbers, as embeddings have them. */
export interface Rows {
  readonly data: Float32Array;
  readonly dim: number;
}

/** The number of row `wanted` among the neighbours of row `query` by cosine: 1 is the nearest. */
export function rankOf(rows: Rows, query: number, wanted: number): number {
  const own = likeness(rows, query, wanted);
  const count = rows.data.length / rows.dim;
  let rank = 1;
  for (let row = 0; row < count; row += 1) {
    if (row === query || row === wanted) continue;
    const other = likeness(rows, query, row);
    if (other > own || (other === own && row < wanted)) rank += 1;
  }
  return rank;
}

/** The cosine of two rows but for the length of the first, which changes no order. */
function likeness({ data, dim }: Rows, from: number, to: number): number {
  let [product, square] = [0, 0];
  for (let i = 0; i < dim; i += 1) {
    const value = data[to * dim + i]!;
    product += data[from * dim + i]! * value;
    square += value * value;
  }
  return Math.fround(product / Math.sqrt(square || 1));
}
