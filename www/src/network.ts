/**
 * A network and its embeddings of pictures, which were computed beforehand or are computed here.
 */
import { Embeddings, KnnIndex, type CallOptions, type Encoder, type EncoderInfo } from "kith-web";
import { yieldToBrowser } from "./debounce.js";
import { pixelsOfAll } from "./pixels.js";
import type { Picture } from "./picture.js";
import { rankOf } from "./rank.js";
import { unpack } from "./unpack.js";

/** The encoder's description without its long parts; older files lack some others. */
export type EncoderSummary = Omit<EncoderInfo, "recipeToml" | "views" | Later> &
  Partial<Pick<EncoderInfo, Later>>;
type Later = "encoder" | "origin" | "imported" | "preprocessing" | "hasProjection";

/** What is known about a network before it is loaded; `scripts/precomputed.mjs` writes it. */
export interface NetworkMetadata {
  readonly title: string;
  readonly checkpoint: string;
  readonly bytes: number;
  /** Its hash, for `loadEncoder`. */
  readonly integrity: string;
  readonly info: EncoderSummary;
  /** How it was trained, and its results. */
  readonly note: string | null;
  /** The file name of its run's report. */
  readonly report?: string;
  /** Stored values are so many `levels`ths of `scale` above `least`, column by column. */
  readonly least: readonly number[];
  readonly scale: readonly number[];
  readonly levels: number;
  /** Indices of the pictures that it was not trained on. */
  readonly heldOut: readonly number[];
  /** Of these, the share whose nearest neighbour is the same emoji by the other vendor. */
  readonly retrieval: number;
  /** The share of pictures whose nearest neighbour is the same by the stored embeddings, which are rounded. */
  readonly agreement: number;
}

/** Pictures that are embedded between two looks at the clock, or at the signal of an abort. */
const PART = 32;
/** Pictures that come into an index before the browser may draw. */
const INDEXED = 512;
/** Pictures that tell how long one takes, the shaders of a GPU included. */
const FIRST = 16;
/** Pictures that are embedded however long it takes. */
const LEAST = 96;
/** How long a person is made to wait for the gallery, in milliseconds. */
const PATIENCE_MS = 60_000;

/** A network that came with the page: what is known about it, and the address of its checkpoint. */
interface Precomputed {
  readonly metadata: NetworkMetadata;
  readonly url: string;
}

export class Network {
  readonly title: string;
  readonly fingerprint: string;
  readonly dim: number;
  readonly metadata: NetworkMetadata | undefined;
  /** The address of its checkpoint, if it came with the page. */
  readonly url: string | undefined;
  encoder: Encoder | undefined;
  #rows = new Map<string, Float32Array>();

  constructor(
    title: string,
    info: Pick<EncoderInfo, "fingerprint" | "dim">,
    precomputed?: Precomputed,
  ) {
    this.title = title;
    this.fingerprint = info.fingerprint;
    this.dim = info.dim;
    this.metadata = precomputed?.metadata;
    this.url = precomputed?.url;
  }

  /** Stores embeddings of pictures. */
  addEmbeddings(pictures: readonly Picture[], rows: Embeddings): void {
    pictures.forEach(({ id }, index) => this.#rows.set(id, rows.row(index)));
  }

  hasEmbedding({ id }: Picture): boolean {
    return this.#rows.has(id);
  }

  remove({ id }: Picture): void {
    this.#rows.delete(id);
  }

  /** The embeddings of pictures that have one, in their order. */
  embeddings(pictures: readonly Picture[]): Embeddings {
    const data = new Float32Array(pictures.length * this.dim);
    pictures.forEach(({ id }, index) => data.set(this.#rows.get(id)!, index * this.dim));
    return new Embeddings(data, this.dim, {
      normalized: true,
      encoderFingerprint: this.fingerprint,
    });
  }

  /** The number of a picture among the neighbours of another, of all `pictures` that have an embedding. */
  rank(pictures: readonly Picture[], query: Picture, wanted: Picture): number {
    const rows = pictures.map(({ id }) => this.#rows.get(id));
    return rankOf(rows, pictures.indexOf(query), pictures.indexOf(wanted));
  }

  /** An index of those pictures that have an embedding. */
  index(pictures: readonly Picture[], labelOf = (picture: Picture) => picture.label): KnnIndex {
    const index = new KnnIndex(this.dim);
    this.#addTo(index, pictures, labelOf);
    return index;
  }

  /** The same, built in parts, between which the browser may draw. */
  async indexInParts(pictures: readonly Picture[]): Promise<KnnIndex> {
    const index = new KnnIndex(this.dim);
    for (let from = 0; from < pictures.length; from += INDEXED) {
      await yieldToBrowser();
      this.#addTo(index, pictures.slice(from, from + INDEXED), ({ label }) => label);
    }
    return index;
  }

  #addTo(
    index: KnnIndex,
    pictures: readonly Picture[],
    labelOf: (picture: Picture) => string | null,
  ): void {
    const known = pictures.filter((picture) => this.hasEmbedding(picture));
    const items = known.map((picture) => {
      const label = labelOf(picture);
      return { id: picture.id, ...(label === null ? {} : { label }) };
    });
    if (known.length > 0) index.add(this.embeddings(known), items);
  }

  /** Embeds the pictures that have no embedding yet; what was done before an abort stays. */
  async embed(pictures: readonly Picture[], options: CallOptions = {}): Promise<void> {
    await this.#embedInParts(
      pictures.filter((picture) => !this.hasEmbedding(picture)),
      options,
    );
  }

  /**
   * Embeds the gallery's pictures that have no embedding yet, as many as fit into `patienceMs`, and never
   * less than a few: large encoders take hours for all of them on a processor.
   */
  async embedSome(
    gallery: readonly Picture[],
    options: CallOptions = {},
    patienceMs = PATIENCE_MS,
  ): Promise<void> {
    const fresh = spread(gallery).filter((picture) => !this.hasEmbedding(picture));
    const start = performance.now();
    await this.#embedInParts(fresh.slice(0, FIRST), options);
    const each = (performance.now() - start) / FIRST;
    const most = Math.max(LEAST, Math.floor(patienceMs / each));
    await this.#embedInParts(fresh.slice(FIRST, most), options);
  }

  async #embedInParts(fresh: readonly Picture[], options: CallOptions): Promise<void> {
    for (let from = 0; from < fresh.length && this.encoder; from += PART) {
      const some = fresh.slice(from, from + PART);
      const { signal } = options;
      this.addEmbeddings(
        some,
        await this.encoder.embed(pixelsOfAll(some), signal ? { signal } : {}),
      );
      const [loaded, total] = [from + some.length, fresh.length];
      options.onProgress?.({
        phase: "embed",
        loaded,
        total,
        fraction: loaded / total,
        fromCache: false,
      });
    }
  }
}

/** Pictures of the gallery from all over it; both drawings of an emoji stay together. */
function spread(gallery: readonly Picture[]): Picture[] {
  const golden = 0.618034;
  const key = (index: number): number => ((Math.floor(index / 2) + 1) * golden) % 1;
  const order = gallery.map((_, index) => index).sort((a, b) => key(a) - key(b) || a - b);
  return order.map((index) => gallery[index]!);
}

/** A network with the embeddings of the gallery that came with the page, as `networks/trained`. */
export async function loadPrecomputed(
  path: string,
  pictures: readonly Picture[],
): Promise<Network> {
  const [metadata, stored] = await Promise.all([
    fetchOk(`./${path}.json`).then((response) => response.json() as Promise<NetworkMetadata>),
    fetchOk(`./${path}.bin`).then((response) => response.arrayBuffer()),
  ]);
  await yieldToBrowser();
  const url = new URL(metadata.checkpoint, new URL(`./${path}.json`, document.baseURI)).href;
  const network = new Network(metadata.title, metadata.info, { metadata, url });
  const { dim, fingerprint } = metadata.info;
  const rows = new Embeddings(unpack(new Uint8Array(stored), metadata), dim, {
    encoderFingerprint: fingerprint,
  });
  await yieldToBrowser();
  const normalized = rows.normalize();
  await yieldToBrowser();
  network.addEmbeddings(pictures, normalized);
  return network;
}

async function fetchOk(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response;
}
