/** Nearest neighbours with names and labels, in plain JavaScript: works before anything is loaded. */
import { bytesFrom } from "./bytes.js";
import { rowsOf, sameEncoder, unit, type Embeddings } from "./embeddings.js";
import { KithError } from "./errors.js";
import { File, opened } from "./safetensors.js";
import { finite, oneOf, positive, whole } from "./setting.js";
import type { ByteSource, Neighbor } from "./types.js";

export interface KnnItem {
  /** Unique; default: the number of pictures added before. */
  readonly id?: string;
  readonly label?: string;
}

export interface KnnOptions {
  /** Default `cosine`. */
  readonly metric?: "cosine" | "l2";
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

export class KnnIndex {
  readonly dim: number;
  readonly metric: "cosine" | "l2";
  /** Of the encoder whose embeddings were added first, if it is known. */
  encoderFingerprint: string | undefined;
  #rows = new Float32Array(0);
  #ids: string[] = [];
  #labels: (string | undefined)[] = [];
  #places = new Map<string, number>();
  #named = 0;

  /** Errors: `SETTING` for a `dim` below 1 or another metric. */
  constructor(dim: number, options: KnnOptions = {}) {
    this.dim = whole("dim", dim, 1);
    this.metric = oneOf("metric", options.metric ?? "cosine", ["cosine", "l2"]);
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Every label once, sorted. */
  get labels(): readonly string[] {
    return [...new Set(this.#labels.filter((label) => label !== undefined))].sort();
  }

  /**
   * Adds rows. Errors: `DIM_MISMATCH`; `ENCODER_MISMATCH` for embeddings of another encoder unless
   * `force`; `SETTING` for an id that is taken or a number that is none. Nothing is added then.
   */
  add(
    embeddings: Embeddings | Float32Array,
    items: readonly KnnItem[] = [],
    { force = false }: { force?: boolean } = {},
  ): void {
    const rows = rowsOf(embeddings, this.dim);
    if (!force) sameEncoder("the index", this.encoderFingerprint, rows);
    const ids = Array.from({ length: rows.count }, (_, row) => this.#idOf(items[row]));
    this.#check(rows, ids, items);
    this.encoderFingerprint ??= rows.encoderFingerprint;
    this.#reserve(rows.count);
    ids.forEach((id, row) => {
      this.#rows.set(this.#prepared(rows.row(row)), this.size * this.dim);
      this.#places.set(id, this.size);
      this.#ids.push(id);
      this.#labels.push(items[row]?.label);
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
    { k = 10, exclude = [] }: { k?: number; exclude?: readonly string[] } = {},
  ): Neighbor[][] {
    const rows = rowsOf(queries, this.dim);
    sameEncoder("the index", this.encoderFingerprint, rows);
    finite("the queries", rows.data, this.dim);
    whole("k", k, 1);
    const without = new Set(exclude.map((id) => this.#places.get(id)));
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
    { k = VOTE.k, temperature = VOTE.temperature }: { k?: number; temperature?: number } = {},
  ): { label: string; confidences: Record<string, number>; neighbors: Neighbor[] }[] {
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

  /** One file: rows, ids, labels, metric, the encoder's fingerprint. */
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

  /** Errors: `FILE_FORMAT`. */
  static async load(source: ByteSource): Promise<KnnIndex> {
    return this.fromFile(File.fromBytes(await bytesFrom(source, { cache: "none" }), "index"));
  }

  /** @internal */
  static fromFile(file: File): KnnIndex {
    return opened("index", () => {
      const settings = file.settings as Settings;
      const { metric, dim, ids, labels, encoderFingerprint } = settings;
      const rows = file.floats("rows", [ids.length, dim]);
      const index = new KnnIndex(dim, { metric });
      const items = ids.map((id, place) => {
        const label = labels[place];
        return { id, ...(label == null ? {} : { label }) };
      });
      if (ids.length > 0) index.add(rows, items);
      // As they were stored: rows of length one are not divided once more.
      index.#rows.set(rows);
      index.encoderFingerprint = encoderFingerprint ?? undefined;
      return index;
    });
  }

  #idOf(item: KnnItem | undefined): string {
    if (item?.id !== undefined) return item.id;
    while (this.#places.has(String(this.#named))) this.#named += 1;
    return String(this.#named++);
  }

  #check(rows: Embeddings, ids: readonly string[], items: readonly KnnItem[]): void {
    if (items.length > rows.count) {
      const message = `expected at most ${rows.count} items, one a row, got ${items.length}`;
      throw new KithError("DIM_MISMATCH", message);
    }
    const fresh = new Set<string>();
    for (const id of ids) {
      if (fresh.has(id) || this.#places.has(id)) {
        throw new KithError("SETTING", `the id ${id} is taken`);
      }
      fresh.add(id);
    }
    finite("the embeddings", rows.data, this.dim);
  }

  /** Room for more rows: twice as much whenever it does not suffice. */
  #reserve(more: number): void {
    const needed = (this.size + more) * this.dim;
    if (needed <= this.#rows.length) return;
    const rows = new Float32Array(Math.max(needed, 2 * this.#rows.length));
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

/** Four sums at once: no addition waits for the one before. */
function dot(rows: Float32Array, start: number, query: Float32Array): number {
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
function nearness(rows: Float32Array, start: number, query: Float32Array): number {
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
