/** The safetensors format: eight bytes with the length of a header in JSON, the header, the numbers. */

export interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Where the numbers begin. */
  readonly start: number;
}

/** The header of a file that the package wrote or has opened. */
export function headerOf(bytes: Uint8Array): Header {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const { __metadata__, ...tensors } = JSON.parse(text) as { __metadata__?: Header["metadata"] };
  const start = 8 + length;
  return { metadata: __metadata__ ?? {}, tensors: tensors as Header["tensors"], start };
}

/** The same file with other metadata. */
export function withMetadata(
  bytes: Uint8Array,
  metadata: Header["metadata"],
): Uint8Array<ArrayBuffer> {
  const { tensors, start } = headerOf(bytes);
  const text = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...tensors }));
  // The numbers begin at a multiple of eight bytes.
  const length = Math.ceil(text.length / 8) * 8;
  const changed = new Uint8Array(8 + length + bytes.length - start).fill(0x20, 8, 8 + length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(length), true);
  changed.set(text, 8);
  changed.set(bytes.subarray(start), 8 + length);
  return changed;
}
