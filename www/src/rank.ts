/** At which number a picture comes among the neighbours of another. */

/**
 * The number of row `wanted` among the neighbours of row `query` by cosine: 1 is the nearest. Rows have
 * length one; those that are not known are left out.
 */
export function rankOf(
  rows: readonly (Float32Array | undefined)[],
  query: number,
  wanted: number,
): number {
  const from = rows[query]!;
  const own = product(from, rows[wanted]!);
  let rank = 1;
  for (let place = 0; place < rows.length; place += 1) {
    const row = rows[place];
    if (!row || place === query || place === wanted) continue;
    const other = product(from, row);
    if (other > own || (other === own && place < wanted)) rank += 1;
  }
  return rank;
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return Math.fround(sum);
}
