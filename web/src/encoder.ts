/// <reference lib="esnext.disposable" preserve="true" />
/** A trained encoder: pictures to embeddings. */
import { Embeddings, joined, rowsOf } from "./embeddings.js";
import type { EngineRef } from "./engine-ref.js";
import { KithError, unlessAborted } from "./errors.js";
import { countOf, rgbaOf } from "./image.js";
import type { Invoker } from "./near.js";
import { ProgressReporter } from "./progress.js";
import type { RemoteObject } from "./remote-object.js";
import type { Crew } from "./crew.js";
import { finite, flag, list, oneOf, optionsOf, plain, text, whole } from "./checks.js";
import {
  batches,
  inMemory,
  sendable,
  sizeOf,
  squares,
  type Batch,
  type InputBatch,
} from "./squares.js";
import type {
  AugmentationOp,
  CallOptions,
  ClassShare,
  DeviceReport,
  EncoderInfo,
  ImageInput,
  Images,
} from "./types.js";
import {
  ENGINE,
  MODULE,
  type Frame,
  type Handle,
  type Pictures,
  type WasmEncoder,
} from "./wasm-module.js";

/** How many pictures go through the encoder at a time. */
const BATCH = 32;

/** The most bytes that the views of one call may take. */
const MOST_VIEWED = 2 ** 30;

/** How pictures are embedded. */
export interface EmbedOptions extends CallOptions {
  /** `backbone`, what is of use afterwards (default), or `projection`, what the objective compares. */
  readonly layer?: "backbone" | "projection";
  /** Rows of length one. Default true. */
  readonly normalize?: boolean;
  /** Pictures at a time; fewer where memory does not suffice. Default 32. */
  readonly batchSize?: number;
}

/** Which views of a picture. */
export interface AugmentOptions extends CallOptions {
  /** Default 2. */
  readonly views?: number;
  /** Default 0. */
  readonly seed?: number;
  /** The picture's number in its data set, which names its random streams. Default 0. */
  readonly image?: number;
  /** Name of a policy; default: the one that the encoder was trained with. */
  readonly preset?: string;
  /** A policy of one's own, in place of a preset. */
  readonly ops?: readonly AugmentationOp[];
}

/** A row of the support set that lies near. */
export interface SupportNeighbor {
  /** Place in the support set, newest first. */
  readonly index: number;
  /** Cosine, in [-1, 1]. */
  readonly similarity: number;
  /** Its label, if it has one. */
  readonly label?: string;
}

/** A trained encoder: pictures in, embeddings out. `loadEncoder` opens one. */
export class Encoder {
  /** What the checkpoint says about itself. */
  readonly info: EncoderInfo;
  readonly #crew: Crew<WasmEncoder>;
  readonly #fetch: typeof fetch | undefined;
  #disposed = false;

  /** @internal Use `loadEncoder`. */
  constructor(crew: Crew<WasmEncoder>, info: EncoderInfo, get: typeof fetch | undefined) {
    this.#crew = crew;
    this.info = info;
    this.#fetch = get;
  }

  /** What computes, and why. */
  get device(): DeviceReport {
    return this.engine.report;
  }

  /** @internal What computes, for those who compute with its results. */
  get engine(): EngineRef {
    return this.#crew.first.engine;
  }

  /**
   * Embeddings of pictures, `[count, info.dim]`; each is cut to its central square, laid over white
   * and resized. Errors: `IMAGE_DECODE` naming the picture, `SETTING`, `ABORTED`, `DISPOSED`.
   */
  async embed(images: Images, options: EmbedOptions = {}): Promise<Embeddings> {
    const { layer = "backbone", normalize = true } = optionsOf(options);
    oneOf("layer", layer, ["backbone", "projection"]);
    flag("normalize", normalize);
    const dim = layer === "projection" ? this.info.projectionDim : this.info.dim;
    const length = normalize ? "unit" : "own";
    const data = await this.#gather(images, options, (invoker, handle, sent, moved) =>
      invoker.invoke(handle, "embed", [sent, sent.pictures.length, layer, length], moved),
    );
    const encoderFingerprint = layer === "backbone" ? this.info.fingerprint : undefined;
    return new Embeddings(data, dim, { normalized: normalize, encoderFingerprint });
  }

  /**
   * What the classifier that came with the checkpoint takes pictures for, most likely first.
   * Errors: as `embed`; `CHECKPOINT_FORMAT` if no classifier came with it.
   */
  async classify(
    images: Images,
    options: Omit<EmbedOptions, "layer" | "normalize"> = {},
  ): Promise<ClassShare[][]> {
    const shares = await this.#gather(images, options, (invoker, handle, sent, moved) =>
      invoker.invoke(handle, "classify", [sent, sent.pictures.length], moved),
    );
    const { classNames } = this.info;
    if (classNames.length === 0) return [];
    const rows = new Embeddings(shares, classNames.length);
    return Array.from({ length: rows.count }, (_, place) => ranked(classNames, rows.row(place)));
  }

  /** @internal Embeddings of copies of pictures, not brought to length one; kinds count from 0. */
  async embedCopies(images: Images, kind: number, options: CallOptions): Promise<Embeddings> {
    const data = await this.#gather(images, options, (invoker, handle, sent, moved) =>
      invoker.invoke(handle, "embedCopies", [sent, sent.pictures.length, kind], moved),
    );
    return new Embeddings(data, this.info.dim, { normalized: false });
  }

  /** All batches of pictures through `work`. */
  async #gather(
    images: Images,
    options: EmbedOptions,
    work: (
      invoker: Invoker,
      handle: Handle<WasmEncoder>,
      sent: Pictures,
      moved: Transferable[],
    ) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    this.#checkNotDisposed();
    const { batchSize = BATCH, signal, onProgress } = optionsOf(options);
    whole("batchSize", batchSize, 1);
    const progress = new ProgressReporter(onProgress, { embed: 1 });
    const total = countOf(images);
    // A call that goes on keeps the page free.
    const single = total !== null && total <= batchSize;
    // What was handed over to a device that is lost is sent again.
    const through = (member: RemoteObject<WasmEncoder>, inputs: InputBatch) =>
      member.use(
        async (handle, invoker) => {
          const how = { fetch: this.#fetch, isLent: invoker.isInPage };
          const { sent, moved } = await sendable(inputs, this.#frame(), how);
          return work(invoker, handle, sent, moved);
        },
        single ? sizeOf(inputs) : undefined,
      );
    const parts = await this.#crew.share(
      batches(images, { batchSize, signal }),
      (member, inputs) =>
        unlessAborted(
          inMemory(inputs, (part) => through(member, part)),
          signal,
        ),
      { total, onDone: (done) => progress.at("embed", done, total) },
    );
    return joined(parts.flat());
  }

  /**
   * Augmented views of a picture, with the same pixels as the native trainer's for the same seed
   * (to 1 in 255). Errors: `IMAGE_DECODE`, `SETTING`, `ABORTED`, `DISPOSED`.
   */
  async augment(picture: ImageInput, options: AugmentOptions = {}): Promise<ImageData[]> {
    this.#checkNotDisposed();
    const { views = 2, seed = 0, image = 0, signal } = optionsOf(options);
    const side = this.info.imageSize;
    whole("views", views, 1, Math.floor(MOST_VIEWED / (3 * side * side)));
    whole("seed", seed, 0);
    whole("image", image, 0);
    const ops = await this.#ops(options);
    // As a list of one, so that a list of pictures is refused and not cut to its first.
    const one = squares(this.engine, [picture], {
      ...this.#frame(),
      batchSize: 1,
      signal,
      fetch: this.#fetch,
    });
    const { value } = (await one.next()) as { value: Batch };
    const wanted = { ops, seed, image, views };
    const augmented = this.engine.invokeAgain(ENGINE, "augment", [value.pixels, side, wanted]);
    const planes = await unlessAborted(augmented, signal);
    return Array.from({ length: views }, (_, view) =>
      imageData(rgbaOf(planes.subarray(view * 3 * side * side), side), side),
    );
  }

  /** The operations that are asked for: one's own, a preset's, or those of training. */
  async #ops({ ops, preset }: AugmentOptions): Promise<readonly AugmentationOp[]> {
    if (ops !== undefined) return list("ops", plain("ops", ops));
    if (preset === undefined) return this.info.views;
    return this.engine.invokeAgain(MODULE, "policy", [text("preset", preset)]);
  }

  /**
   * The rows of the support set nearest to projections (`embed` with layer `projection`): the first
   * is what training would take as the positive. More than there are means all. Errors:
   * `CHECKPOINT_FORMAT` without a support set, `DIM_MISMATCH`, `SETTING`.
   */
  async supportNeighbors(
    projections: Embeddings | Float32Array,
    options: { k?: number; signal?: AbortSignal } = {},
  ): Promise<SupportNeighbor[][]> {
    this.#checkNotDisposed();
    const { k = 5, signal } = optionsOf(options);
    const rows = rowsOf(projections, this.info.projectionDim);
    finite("the projections", rows.data, rows.dim);
    const data = rows.data.slice(); // Of the caller's memory, which may be shared, none is sent.
    const most = Math.min(whole("k", k, 1), Math.max(this.info.supportSet, 1));
    const { nearest, labels } = await unlessAborted(
      this.#crew.first.invoke("supportNearest", [data, most]),
      signal,
    );
    const { classNames } = this.info;
    const neighbor = (place: number): SupportNeighbor => {
      const label = classNames[labels[place]!];
      const [index, similarity] = [nearest.indices[place]!, nearest.similarities[place]!];
      return { index, similarity, ...(label === undefined ? {} : { label }) };
    };
    return Array.from({ length: rows.count }, (_, query) =>
      Array.from({ length: nearest.k }, (_, rank) => neighbor(query * nearest.k + rank)),
    );
  }

  /** Calls `listener` after the device was lost and computing goes on. Returns what unsubscribes. */
  onDeviceLost(listener: (report: DeviceReport) => void): () => void {
    return this.engine.onDeviceLost(listener);
  }

  /** @internal One picture through everything, so that the first of the caller's is not the slow one. */
  async warm(): Promise<void> {
    const side = this.info.imageSize;
    const channels = 3;
    const data = new Uint8Array(channels * side * side);
    await this.embed({ data, width: side, height: side, channels });
  }

  /** Frees what it holds; another encoder on the same device goes on. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#crew.dispose();
  }

  /** `dispose`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The square that this encoder's pictures become. */
  #frame(): Frame {
    return { side: this.info.imageSize, preprocessing: this.info.preprocessing };
  }

  #checkNotDisposed(): void {
    if (this.#disposed) throw new KithError("DISPOSED", "the encoder was disposed of");
  }
}

/** Labels with their probabilities, most likely first. */
export function ranked(labels: readonly string[], shares: Float32Array): ClassShare[] {
  const all = labels.map((label, place) => ({ label, probability: shares[place]! }));
  return all.sort((a, b) => b.probability - a.probability);
}

/** `ImageData` where there is one; else an object of the same shape. */
function imageData(data: Uint8ClampedArray<ArrayBuffer>, side: number): ImageData {
  if (typeof ImageData !== "undefined") return new ImageData(data, side, side);
  return { data, width: side, height: side, colorSpace: "srgb" } as ImageData;
}
