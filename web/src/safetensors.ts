/** Files that kith-web saves: named arrays with settings, in the safetensors format. */
import { KithError } from "./errors.js";
import { describe } from "./describe.js";

/** What a file is of. */
export type Saved = "index" | "probe" | "project";

/** The version that this software writes. */
const VERSION = 1;

/** The metadata key under which the settings lie. */
const KEY = "kith";

/** Longest header that is written and read, in bytes: the reference implementation's. */
const LONGEST = 100_000_000;

/** Longest file, in bytes: browsers read no longer ones at once. */
export const MOST = 2 ** 31 - 1;

const TYPES = { F32: Float32Array, U8: Uint8Array } as const;

export interface Stored {
  readonly shape: readonly number[];
  readonly values: Float32Array | Uint8Array;
}

interface Entry {
  readonly dtype: keyof typeof TYPES;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

export class File {
  readonly kind: Saved;
  /** What was saved beside the arrays; nothing about it is certain when it was read. */
  readonly settings: unknown;
  readonly arrays: Readonly<Record<string, Stored>>;

  constructor(kind: Saved, settings: unknown, arrays: Readonly<Record<string, Stored>>) {
    this.kind = kind;
    this.settings = settings;
    this.arrays = arrays;
  }

  /** The file. Errors: `FILE_FORMAT` for one that could not be opened again. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const note = { kind: this.kind, version: VERSION, settings: this.settings };
    const metadata = written(this.kind, () => ({ [KEY]: JSON.stringify(note) }));
    const header: Record<string, unknown> = { __metadata__: metadata };
    const parts: Uint8Array[] = [];
    let end = 0;
    for (const [name, { shape, values }] of this.#sorted()) {
      const dtype = values instanceof Float32Array ? "F32" : "U8";
      header[name] = { dtype, shape, data_offsets: [end, end + values.byteLength] };
      end += values.byteLength;
      parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    return written(this.kind, () => joinedUnder(header, parts));
  }

  /** Wider numbers first, so that every array is aligned. */
  #sorted(): [string, Stored][] {
    const width = ([, { values }]: [string, Stored]) => -values.BYTES_PER_ELEMENT;
    return Object.entries(this.arrays).sort((a, b) => width(a) - width(b));
  }

  /** Reads a file of a kind. Errors: `FILE_FORMAT`, saying what is wrong or what it is instead. */
  static fromBytes(bytes: Uint8Array, kind: Saved): File {
    const { header, data } = split(bytes, kind);
    return opened(kind, () => {
      const { __metadata__: metadata, ...entries } = header;
      const said = (metadata as Record<string, string> | undefined)?.[KEY] ?? "{}";
      const note = parsed(said) as { kind?: Saved; version?: number; settings: unknown };
      if (note.kind !== kind) throw otherKind(note.kind, kind);
      if (note.version !== VERSION) {
        throw wrong(`expected version ${VERSION}, got ${note.version}: update kith-web`);
      }
      const all = Object.entries(entries as Record<string, Entry>);
      const arrays = all.map(([name, entry]) => [name, arrayOf(name, entry, data)]);
      contiguous(all, data.length);
      return new File(kind, note.settings, Object.fromEntries(arrays));
    });
  }

  /** Finite numbers of a shape. Errors: `FILE_FORMAT`. */
  floats(name: string, shape: readonly (number | undefined)[]): Float32Array {
    const stored = this.arrays[name];
    const fits = stored?.shape.length === shape.length;
    if (!fits || !stored.shape.every((size, axis) => size === shape[axis])) {
      throw wrong(`${name}: expected shape [${shape}], got [${stored?.shape ?? "nothing"}]`);
    }
    const { values } = stored;
    if (!(values instanceof Float32Array)) throw wrong(`${name}: expected F32, got U8`);
    const bad = values.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0) throw wrong(`${name}: expected finite numbers, got ${values[bad]} at ${bad}`);
    return values;
  }
}

/** A file's header, with space for `size` bytes of numbers behind it. */
export function headed(header: object, size: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Aligned as the reference implementation has it.
  const length = Math.ceil(text.length / 8) * 8;
  if (length > LONGEST) throw new RangeError(`its ids, labels and settings take ${length} bytes`);
  if (8 + length + size > MOST) throw new RangeError(`it would be longer than ${MOST} bytes`);
  const bytes = new Uint8Array(8 + length + size).fill(0x20, 8, 8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}

/** A file of a header and the numbers behind it, part by part. */
export function joinedUnder(header: object, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = headed(header, size);
  let at = bytes.length - size;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A part of a file that is being written; what cannot be written could not be read either. */
export function written<T>(kind: Saved, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (cause instanceof KithError) throw cause;
    const message = `the ${kind} cannot be saved: ${describe(cause)}`;
    const hint = "Save less in one file, and only what JSON can hold as settings.";
    throw new KithError("FILE_FORMAT", message, { cause, hint });
  }
}

/** A file's header and what is behind it. Errors: `FILE_FORMAT`. */
export function split(
  bytes: Uint8Array,
  kind?: Saved,
): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < 8) throw wrong(`expected at least 8 bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > Math.min(LONGEST, bytes.length - 8)) {
    const text = new TextDecoder().decode(bytes.subarray(0, 24));
    if (kind && text.startsWith('{"kind":"probe"')) throw otherKind("probe", kind);
    throw wrong(`a header of ${length} bytes does not fit into ${bytes.length}: it is cut off`);
  }
  const header = parsed(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw wrong("the header is no object");
  }
  return { header: header as Record<string, unknown>, data: bytes.subarray(8 + length) };
}

/** Refuses arrays that overlap, leave holes, or end elsewhere than the file. */
function contiguous(entries: readonly [string, Entry][], length: number): void {
  const offsets = entries
    .map(([, entry]) => entry.data_offsets)
    .sort(([a, b], [c, d]) => a - c || b - d);
  let at = 0;
  for (const [start, end] of offsets) {
    if (start !== at) throw wrong(`expected numbers from byte ${at} on, got them from ${start}`);
    at = end;
  }
  if (at !== length) throw wrong(`expected ${at} bytes of numbers, got ${length}`);
}

function arrayOf(name: string, entry: Entry, data: Uint8Array): Stored {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  const type = TYPES[dtype];
  if (!type) throw wrong(`${name} holds ${dtype}: expected ${Object.keys(TYPES).join(" or ")}`);
  const [start, end] = Array.isArray(offsets) ? offsets : [NaN, NaN];
  const sizes = Array.isArray(shape) ? shape : [NaN];
  const count = sizes.reduce((product, size) => product * size, 1);
  const sound = [start, end, ...sizes].every((x) => Number.isSafeInteger(x) && x >= 0);
  if (!sound || end > data.length || end - start !== count * type.BYTES_PER_ELEMENT) {
    throw wrong(`${name}: [${shape}] of ${dtype} does not lie at [${offsets}]`);
  }
  const own = new Uint8Array(data.subarray(start, end)); // Aligned, and nobody else's.
  return { shape: sizes, values: new type(own.buffer, 0, count) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new KithError("FILE_FORMAT", `the file cannot be read: ${String(cause)}`, { cause });
  }
}

function otherKind(got: Saved | undefined, expected: Saved): KithError {
  const opener = { index: "KnnIndex.load", probe: "LinearProbe.load", project: "loadProject" };
  const what = got && opener[got] ? `this is a saved ${got}` : "this is no file of kith-web";
  const hint = got && opener[got] ? `Open it with ${opener[got]}.` : undefined;
  const message = `expected a saved ${expected}, but ${what}`;
  return new KithError("FILE_FORMAT", message, hint === undefined ? {} : { hint });
}

function wrong(message: string): KithError {
  return new KithError("FILE_FORMAT", message);
}

/** Whatever goes wrong while a file is taken apart is the file's fault. */
export function opened<T>(kind: Saved, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    if (cause instanceof KithError && cause.code === "FILE_FORMAT") throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new KithError("FILE_FORMAT", `the saved ${kind} is damaged: ${said}`, { cause });
  }
}
