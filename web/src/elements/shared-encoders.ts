/** Encoders of a page's elements: those that ask for the same share one. */
import { loadEncoder, type Encoder, type LoadOptions, type Progress } from "../index.js";

/** What says which encoder is meant: an absolute address, and how it is loaded. */
export interface EncoderSource {
  readonly src: string;
  /** What attributes say. */
  readonly words: Pick<LoadOptions, "device" | "cache" | "integrity" | "wasmUrl" | "workerUrl">;
  /** What a script says. */
  readonly given: LoadOptions;
}

type Listener = (progress: Progress) => void;

interface Shared {
  readonly encoder: Promise<Encoder>;
  readonly users: Set<Listener>;
  readonly loading: AbortController;
}

const shared = new Map<string, Shared>();

/** A share of an encoder. It is disposed of, or its download ends, with the last share. */
export interface Lease {
  /** Errors: those of `loadEncoder`. */
  readonly encoder: Promise<Encoder>;
  release(): void;
}

/** The encoder that others have, or a new one. */
export function lease(source: EncoderSource, onProgress: Listener): Lease {
  const key = keyOf(source);
  const entry = shared.get(key) ?? opened(key, source);
  entry.users.add(onProgress);
  const release = (): void => {
    if (!entry.users.delete(onProgress) || entry.users.size > 0) return;
    forget(key, entry);
    entry.loading.abort();
    entry.encoder.then(
      (encoder) => encoder.dispose(),
      () => {}, // Whoever waits for it has the error.
    );
  };
  return { encoder: entry.encoder, release };
}

/** The same for the same: options of a script are the same if they are one object, or both empty. */
export function keyOf({ src, words, given }: EncoderSource): string {
  return JSON.stringify([src, words, Object.keys(given).length > 0 ? numberOf(given) : 0]);
}

const numbers = new WeakMap<object, number>();
let numbered = 0;

function numberOf(one: object): number {
  const known = numbers.get(one) ?? (numbered += 1);
  numbers.set(one, known);
  return known;
}

function opened(key: string, { src, words, given }: EncoderSource): Shared {
  const users = new Set<Listener>();
  const loading = new AbortController();
  const onProgress: Listener = (progress) => users.forEach((user) => user(progress));
  const encoder = loadEncoder(src, { ...given, ...words, signal: loading.signal, onProgress });
  const entry = { encoder, users, loading };
  shared.set(key, entry);
  // The next element tries again.
  encoder.catch(() => forget(key, entry));
  return entry;
}

function forget(key: string, entry: Shared): void {
  if (shared.get(key) === entry) shared.delete(key);
}
