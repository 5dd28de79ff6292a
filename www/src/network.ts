/**
 * A network and its embeddings of pictures, which were computed beforehand or are computed here.
 */
import { Embeddings, KnnIndex, type CallOptions, type Encoder, type EncoderInfo } from "kith-web";
import { yieldToBrowser } from "./debounce.js";
import { pixelsOfAll } from "./pixels.js";
import type { Picture } from "./picture.js";

/** The encoder's description without its long parts; older files lack its settings. */
export type EncoderSummary = Omit<EncoderInfo, "recipeToml" | "views" | "encoder"> &
  Partial<Pick<EncoderInfo, "encoder">>;

/** What is known about a network before it is loaded; `scripts/networks.mjs` writes it. */
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
  /** Largest value of each column; stored values are multiples of a `levels`th of it. */
  readonly scale: readonly number[];
  readonly levels: number;
  /** Indices of the pictures that it was not trained on. */
  readonly heldOut: readonly number[];
  /** Of these, the share whose nearest neighbour is the same emoji by the other vendor. */
  readonly retrieval: number;
}

export class Network {
  readonly title: string;
  readonly fingerprint: string;
  readonly dim: number;
  readonly metadata: NetworkMetadata | undefined;
  encoder: Encoder | undefined;
  #rows = new Map<string, Float32Array>();

  constructor(
    title: string,
    info: Pick<EncoderInfo, "fingerprint" | "dim">,
    metadata?: NetworkMetadata,
  ) {
    this.title = title;
    this.fingerprint = info.fingerprint;
    this.dim = info.dim;
    this.metadata = metadata;
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

  /** An index of those pictures that have an embedding. */
  index(pictures: readonly Picture[], labelOf = (picture: Picture) => picture.label): KnnIndex {
    const known = pictures.filter((picture) => this.hasEmbedding(picture));
    const index = new KnnIndex(this.dim);
    const items = known.map((picture) => {
      const label = labelOf(picture);
      return { id: picture.id, ...(label === null ? {} : { label }) };
    });
    if (known.length > 0) index.add(this.embeddings(known), items);
    return index;
  }

  /** Embeds the pictures that have no embedding yet. */
  async embed(pictures: readonly Picture[], options: CallOptions = {}): Promise<void> {
    const fresh = pictures.filter((picture) => !this.hasEmbedding(picture));
    if (fresh.length === 0 || !this.encoder) return;
    this.addEmbeddings(fresh, await this.encoder.embed(pixelsOfAll(fresh), options));
  }
}

/** A network with the embeddings of the gallery that came with the page. */
export async function loadPrecomputed(
  name: string,
  pictures: readonly Picture[],
): Promise<Network> {
  const [metadata, stored] = await Promise.all([
    fetchOk(`./networks/${name}.json`).then(
      (response) => response.json() as Promise<NetworkMetadata>,
    ),
    fetchOk(`./networks/${name}.bin`).then((response) => response.arrayBuffer()),
  ]);
  await yieldToBrowser();
  const network = new Network(metadata.title, metadata.info, metadata);
  network.addEmbeddings(pictures, unpack(new Uint8Array(stored), metadata));
  return network;
}

async function fetchOk(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return response;
}

/**
 * Decodes the stored embeddings: column by column, which compresses better, two values per byte.
 */
function unpack(stored: Uint8Array, { info, scale, levels }: NetworkMetadata): Embeddings {
  const { dim, fingerprint } = info;
  const data = new Float32Array(2 * stored.length);
  const count = data.length / dim;
  for (let i = 0; i < data.length; i += 1) {
    const step = (stored[i >> 1]! >> (4 * (i % 2))) & 15;
    const column = Math.floor(i / count);
    data[(i % count) * dim + column] = (step * scale[column]!) / levels;
  }
  return new Embeddings(data, dim, { encoderFingerprint: fingerprint }).normalize();
}
