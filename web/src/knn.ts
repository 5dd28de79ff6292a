/** Nearest neighbours with names and labels, in plain JavaScript: works before anything is loaded. */
import { savedBytes } from "./bytes.js";
import { rowsOf, sameEncoder, unit, type Embeddings } from "./embeddings.js";
import { KithError } from "./errors.js";
import { dot, largest, nearness } from "./nearest.js";
import { File, opened } from "./safetensors.js";
import { finite, list, oneOf, optionsOf, positive, text, whole, wrong } from "./checks.js";
import type { ByteSource, Neighbor } from "./types.js";

/** What is kept of a picture besides its row. */
export interface KnnItem {
  /** Unique; default: the number of pictures added before. */
  readonly id?: string;
  /** None where there is no label, or `null`. */
  readonly label?: string | null;
}

/** How an index compares. */
export interface KnnOptions {
  /** Default `cosine`. */
  readonly metric?: "cosine" | "l2";
}

/** What labelled neighbours say of one query. */
export interface KnnVote {
  /** The class with the most votes. */
  readonly label: string;
  /** Each class's share of the votes, in [0, 1]. */
  readonly confidences: Record<string, number>;
  /** Those that voted, nearest first. */
  readonly neighbors: Neighbor[];
}

interface Settings {
  readonly metric: "cosine" | "l2";
  readonly dim: number;
  readonly ids: readonly string[];
  readonly labels: readonly (string | null)[];
  readonly encoderFingerprint: string | null;
}

/** Neighbours that vote, and how steeply: solo-learn's. */
const VOTE = { k: 20, temperature: 0.07 };

/**
 * Nearest neighbours with ids and labels, in plain JavaScript: exact, and usable before anything is
 * loaded.
 */
export class KnnIndex {
  /** Numbers a row. */
  readonly dim: number;
  /** How rows are compared. */
  readonly metric: "cosine" | "l2";
  /** Of the encoder whose embeddings were added first, if it is known. */
  encoderFingerprint: string | undefined;
  #rows = new Float32Array(0);
  #ids: string[] = [];
  #labels: (string | undefined)[] = [];
  #places = new Map<string, number>();
  #next = 0;

  /** Errors: `SETTING` for a `dim` below 1 or another metric. */
  constructor(dim: number, options: KnnOptions = {}) {
    this.dim = whole("dim", dim, 1);
    this.metric = oneOf("metric", optionsOf(options).metric ?? "cosine", ["cosine", "l2"]);
  }

  /** How many pictures it holds. */
  get size(): number {
    return this.#ids.length;
  }

  /** Every label once, sorted. */
  get labels(): readonly string[] {
    return [...new Set(this.#labels.filter((label) => label !== undefined))].sort();
  }

  /**
   * Adds rows. Errors: `DIM_MISMATCH`; `ENCODER_MISMATCH` for embeddings of another encoder unless
   * `force`; `SETTING` for an id that is taken, an id or label that is no string, or a number that is
   * none. Nothing is added then.
   */
  add(
    embeddings: Embeddings | Float32Array,
    items: readonly KnnItem[] = [],
    options: { force?: boolean } = {},
  ): void {
    const { force = false } = optionsOf(options);
    const rows = rowsOf(embeddings, this.dim);
    if (!force) sameEncoder("the index", this.encoderFingerprint, rows);
    finite("the embeddings", rows.data, this.dim);
    const named = this.#named(rows.count, items);
    this.#reserve(rows.count);
    this.encoderFingerprint ??= rows.encoderFingerprint;
    named.forEach(({ id, label }, row) => {
      this.#rows.set(this.#prepared(rows.row(row)), this.size * this.dim);
      this.#places.set(id, this.size);
      this.#ids.push(id);
      this.#labels.push(label);
    });
  }

  /** Removes a picture; says whether it was there. The last one takes its place. */
  remove(id: string): boolean {
    const place = this.#places.get(id);
    if (place === undefined) return false;
    const last = this.size - 1;
    this.#rows.copyWithin(place * this.dim, last * this.dim, (last + 1) * this.dim);
    this.#ids[place] = this.#ids[last]!;
    this.#labels[place] = this.#labels[last];
    this.#places.set(this.#ids[place]!, place);
    this.#places.delete(id);
    this.#ids.pop();
    this.#labels.pop();
    return true;
  }

  /** The `k` nearest of each query, nearest first, by place on ties; exact. */
  query(
    queries: Embeddings | Float32Array,
    options: { k?: number; exclude?: readonly string[] } = {},
  ): Neighbor[][] {
    const { k = 10, exclude = [] } = optionsOf(options);
    const rows = rowsOf(queries, this.dim);
    sameEncoder("the index", this.encoderFingerprint, rows);
    finite("the queries", rows.data, this.dim);
    whole("k", k, 1);
    const without = new Set(list("exclude", exclude).map((id) => this.#places.get(id)));
    const most = Math.min(k, this.size);
    return Array.from({ length: rows.count }, (_, query) => {
      const similarities = this.#similarities(this.#prepared(rows.row(query)));
      const places = largest(similarities, most, without);
      return places.map((place) => this.#neighbor(place, similarities[place]!));
    });
  }

  /** What the nearest labelled pictures vote for, each by exp(similarity / temperature). */
  classify(
    queries: Embeddings | Float32Array,
    options: { k?: number; temperature?: number } = {},
  ): KnnVote[] {
    const { k = VOTE.k, temperature = VOTE.temperature } = optionsOf(options);
    positive("temperature", temperature);
    const { labels } = this;
    if (labels.length === 0) {
      throw new KithError("TOO_FEW_EXAMPLES", "expected labelled pictures in the index, got none");
    }
    const exclude = this.#ids.filter((_, place) => this.#labels[place] === undefined);
    return this.query(queries, { k, exclude }).map((neighbors) => {
      const votes = new Map(labels.map((label) => [label, 0]));
      // Relative to the nearest: no exponential overflows.
      const nearest = neighbors[0]?.similarity ?? 0;
      for (const { label, similarity } of neighbors) {
        const vote = Math.exp((similarity - nearest) / temperature);
        votes.set(label!, votes.get(label!)! + vote);
      }
      const sum = [...votes.values()].reduce((a, b) => a + b, 0);
      const confidences = Object.fromEntries(
        [...votes].map(([label, vote]) => [label, vote / sum]),
      );
      const label = labels.reduce((a, b) => (votes.get(b)! > votes.get(a)! ? b : a));
      return { label, confidences, neighbors };
    });
  }

  /**
   * One file: rows, ids, labels, metric, the encoder's fingerprint. Errors: `FILE_FORMAT` for more
   * than `load` could open.
   */
  save(): Blob {
    return new Blob([this.toFile().toBytes()], { type: "application/octet-stream" });
  }

  /** @internal */
  toFile(): File {
    const { metric, dim } = this;
    const labels = this.#labels.map((label) => label ?? null);
    const encoderFingerprint = this.encoderFingerprint ?? null;
    const settings: Settings = { metric, dim, ids: this.#ids, labels, encoderFingerprint };
    const rows = this.#rows.slice(0, this.size * dim);
    return new File("index", settings, { rows: { shape: [this.size, dim], values: rows } });
  }

  /** Errors: `FILE_FORMAT`; `CHECKPOINT_HTTP` where the source cannot be read. */
  static async load(source: ByteSource): Promise<KnnIndex> {
    return this.fromFile(File.fromBytes(await savedBytes(source), "index"));
  }

  /** @internal */
  static fromFile(file: File): KnnIndex {
    return opened("index", () => {
      const settings = file.settings as Settings;
      const { metric, dim, ids, labels, encoderFingerprint } = settings;
      const rows = file.floats("rows", [ids.length, dim]);
      const index = new KnnIndex(dim, { metric: text("metric", metric) as typeof metric });
      if (labels.length !== ids.length) throw wrong("labels", labels, `${ids.length}, one an id`);
      index.add(
        rows,
        ids.map((id, place) => ({ id: text("id", id), label: labels[place]! })),
      );
      // As they were stored: rows of length one are not divided once more.
      if (metric === "cosine") rowsOfLengthOne(rows, dim);
      index.#rows.set(rows);
      index.encoderFingerprint =
        encoderFingerprint === null ? undefined : text("encoderFingerprint", encoderFingerprint);
      return index;
    });
  }

  /** An id and a label for each of some rows, checked; rows without an id are numbered. */
  #named(count: number, items: readonly KnnItem[]): { id: string; label: string | undefined }[] {
    if (list("items", items).length > count) {
      const message = `expected at most ${count} items, one a row, got ${items.length}`;
      throw new KithError("DIM_MISMATCH", message);
    }
    const taken = new Set<string>();
    for (const [row, item] of items.entries()) {
      if (item != null && typeof item !== "object")
        throw wrong(`item ${row}`, item, "{ id, label }");
      const id = item?.id;
      if (id === undefined) continue;
      if (taken.has(text(`the id of item ${row}`, id)) || this.#places.has(id)) {
        throw new KithError("SETTING", `the id ${id} is taken`);
      }
      taken.add(id);
    }
    return Array.from({ length: count }, (_, row) => {
      const { id, label } = items[row] ?? {};
      const own = label == null ? undefined : text(`the label of item ${row}`, label);
      return { id: id ?? this.#free(taken), label: own };
    });
  }

  /** The next number that is nobody's id. */
  #free(taken: ReadonlySet<string>): string {
    const used = (id: string): boolean => this.#places.has(id) || taken.has(id);
    while (used(String(this.#next))) this.#next += 1;
    return String(this.#next++);
  }

  /** Makes space for more rows: twice as much whenever it does not suffice. */
  #reserve(more: number): void {
    const needed = (this.size + more) * this.dim;
    if (needed <= this.#rows.length) return;
    const rows = allocated(needed, 2 * this.#rows.length);
    rows.set(this.#rows);
    this.#rows = rows;
  }

  #prepared(row: Float32Array): Float32Array {
    if (this.metric === "l2") return row;
    const own = row.slice();
    unit(own);
    return own;
  }

  #similarities(query: Float32Array): Float32Array {
    const score = this.metric === "l2" ? nearness : dot;
    const found = new Float32Array(this.size);
    for (let place = 0; place < found.length; place += 1) {
      found[place] = score(this.#rows, place * this.dim, query);
    }
    return found;
  }

  #neighbor(index: number, similarity: number): Neighbor {
    const label = this.#labels[index];
    return { id: this.#ids[index]!, index, similarity, ...(label === undefined ? {} : { label }) };
  }
}

/** How far rounding takes the length of a row from one. */
const ROUNDING = 1e-3;

/** Refuses rows that would give cosines above one; a row of zeros is like nothing. */
function rowsOfLengthOne(rows: Float32Array, dim: number): void {
  for (let start = 0; start < rows.length; start += dim) {
    const length = unit(rows.slice(start, start + dim));
    if (length === 0 || Math.abs(length - 1) < ROUNDING) continue;
    throw wrong(`the length of row ${start / dim}`, length, "1");
  }
}

/** Memory for so many numbers, better for more. */
function allocated(least: number, better: number): Float32Array<ArrayBuffer> {
  for (const count of [Math.max(least, better), least]) {
    try {
      return new Float32Array(count);
    } catch {
      // The least may do.
    }
  }
  throw new KithError("OUT_OF_MEMORY", `no memory for an index of ${least} numbers`);
}
