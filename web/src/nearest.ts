/** The arithmetic of nearest neighbours: how alike two rows are, and which are most alike. */

/** The inner product; four sums at once: no addition waits for the one before. */
export function dot(rows: Float32Array, start: number, query: Float32Array): number {
  const whole = query.length & ~3;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a += rows[start + i]! * query[i]!;
    b += rows[start + i + 1]! * query[i + 1]!;
    c += rows[start + i + 2]! * query[i + 2]!;
    d += rows[start + i + 3]! * query[i + 3]!;
  }
  for (let i = whole; i < query.length; i += 1) a += rows[start + i]! * query[i]!;
  return a + b + c + d;
}

/** The negative Euclidean distance. */
export function nearness(rows: Float32Array, start: number, query: Float32Array): number {
  let square = 0;
  for (let i = 0; i < query.length; i += 1) square += (rows[start + i]! - query[i]!) ** 2;
  return -Math.sqrt(square);
}

/** Places of the `k` largest numbers, largest first, the first on ties. */
export function largest(
  numbers: Float32Array,
  k: number,
  without: ReadonlySet<number | undefined> = new Set(),
): number[] {
  const best: number[] = [];
  let least = -Infinity;
  for (let place = 0; place < numbers.length; place += 1) {
    const number = numbers[place]!;
    if ((best.length === k && number <= least) || without.has(place) || k === 0) continue;
    let at = best.length;
    while (at > 0 && numbers[best[at - 1]!]! < number) at -= 1;
    best.splice(at, 0, place);
    if (best.length > k) best.pop();
    least = best.length === k ? numbers[best[k - 1]!]! : -Infinity;
  }
  return best;
}
