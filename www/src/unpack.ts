/** Embeddings as they are stored with the page. */

/** What their metadata say: numbers of a row, and the steps of each column. */
export interface Packed {
  readonly info: { readonly dim: number };
  /** The value of step 0 of each column. */
  readonly least: readonly number[];
  /** From there to the last step. */
  readonly scale: readonly number[];
  readonly levels: number;
}

/** Decodes stored embeddings: column by column, which compresses better, two values per byte. */
export function unpack(
  stored: Uint8Array,
  { info, least, scale, levels }: Packed,
): Float32Array<ArrayBuffer> {
  const { dim } = info;
  const data = new Float32Array(2 * stored.length);
  const count = data.length / dim;
  for (let i = 0; i < data.length; i += 1) {
    const step = (stored[i >> 1]! >> (4 * (i % 2))) & 15;
    const column = Math.floor(i / count);
    data[(i % count) * dim + column] = least[column]! + (step * scale[column]!) / levels;
  }
  return data;
}
