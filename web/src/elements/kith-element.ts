/** What both elements have in common: an encoder, pictures, and a state with its words. */
import { render, type TemplateResult } from "lit-html";
import { KithError, type Encoder, type Progress } from "../index.js";
import { LOADING, encoderSource, type ElementOptions } from "./attributes.js";
import { ElementClass } from "./base-class.js";
import { embedAll, embeddingsOf } from "./embedding.js";
import type { ElementState, KithElementEvents } from "./events.js";
import { PictureList } from "./picture-list.js";
import type { ElementPicture, Picture, PictureSource } from "./pictures.js";
import { keyOf, lease, type Lease } from "./shared-encoders.js";
import { sheet } from "./styles.js";
import { whenVisible } from "./visible.js";

/** An element that looks at pictures with an encoder. */
export abstract class KithElement extends ElementClass {
  /** @internal */
  static readonly observedAttributes: readonly string[] = LOADING;

  /** @internal */
  readonly list = new PictureList(this, () => this.refresh());
  /** @internal How far the current work is. */
  progress: Progress | undefined;
  /** @internal Why it stopped. */
  failure: Error | undefined;
  #state: ElementState = "empty";
  #lease: (Lease & { readonly key: string }) | undefined;
  #given: Encoder | undefined;
  #encoder: Encoder | undefined;
  #work = new AbortController();
  #ends = new AbortController();
  #drawing = false;
  #options: ElementOptions = {};
  #told: readonly Picture[] = [];

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
  }

  /** What it is doing. */
  get state(): ElementState {
    return this.#state;
  }

  /** @internal Aborted when it leaves the page. */
  get ends(): AbortSignal {
    return this.#ends.signal;
  }

  /** All its pictures, in order: its `<img>` elements, `images`, added ones. */
  get pictures(): readonly ElementPicture[] {
    return this.list.all;
  }

  /** Pictures that a script gives, beside the element's children. Errors: `SETTING`. */
  set images(given: readonly (string | URL | Blob | PictureSource)[]) {
    this.list.setScript(given);
  }

  /** Those that a script gave. */
  get images(): readonly ElementPicture[] {
    return this.list.all.filter(({ from }) => from === "script");
  }

  /** The encoder, once it is loaded. */
  get encoder(): Encoder | undefined {
    return this.#encoder;
  }

  /** An encoder of one's own is used in place of `src`, and is not disposed of. */
  set encoder(encoder: Encoder | undefined) {
    this.#given = encoder;
    this.refresh();
  }

  /** Options of `loadEncoder` for which there is no attribute: `import`, `worker`, `fetch`, … */
  get options(): ElementOptions {
    return this.#options;
  }

  /** Loads the encoder anew, if there are any. Elements with the same object share an encoder. */
  set options(options: ElementOptions) {
    this.#options = options;
    this.refresh();
  }

  /** Adds pictures, as a visitor does who chooses files. Errors: `SETTING`. */
  add(
    given: readonly (string | URL | Blob | PictureSource)[],
    label: string | null = null,
  ): readonly ElementPicture[] {
    return this.list.add(given, label);
  }

  /** Takes added pictures away: one, or all. Errors: `SETTING` for a picture that was not added. */
  removeAdded(picture?: ElementPicture): void {
    const all = this.list.all.filter(({ from }) => from === "added");
    const gone = picture ? all.filter(({ id }) => id === picture.id) : all;
    if (picture && gone.length === 0) {
      throw new KithError("SETTING", `${picture.name} was not added to this element`);
    }
    gone.forEach((one) => this.list.remove(one));
  }

  /** @internal */
  connectedCallback(): void {
    for (const name of this.upgraded()) upgrade(this, name);
    this.shadowRoot!.adoptedStyleSheets = [sheet()];
    if (this.#ends.signal.aborted) this.#ends = new AbortController();
    this.list.open();
    this.refresh();
  }

  /** @internal */
  disconnectedCallback(): void {
    // An element that is moved is connected again at once, and keeps what it has.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#work.abort();
      this.#ends.abort();
      this.list.close();
      this.#release();
      this.setState("empty");
    });
  }

  /** @internal */
  attributeChangedCallback(_: string, before: string | null, now: string | null): void {
    if (before !== now) this.refresh();
  }

  /** @internal Properties that may have been set before the element was known. */
  upgraded(): string[] {
    return ["images", "encoder", "options"];
  }

  /** @internal Begins anew with what has changed: pictures, attributes, an encoder. */
  refresh(): void {
    this.#work.abort();
    this.#work = new AbortController();
    const { signal } = this.#work;
    if (!this.isConnected) return;
    // What changes together is looked at once.
    queueMicrotask(() => {
      if (!signal.aborted) void this.#begin(signal);
    });
  }

  async #begin(signal: AbortSignal): Promise<void> {
    try {
      delete this.failure;
      const waits = this.getAttribute("loading") === "lazy" && !this.#lease;
      if (waits) await whenVisible(this, signal);
      if (signal.aborted) return;
      const encoder = await this.#opened(signal);
      if (signal.aborted) return;
      if (encoder) await this.#look(encoder, signal);
      else this.setState("empty");
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  async #opened(signal: AbortSignal): Promise<Encoder | undefined> {
    const source = this.#given ? undefined : encoderSource(this, this.#options);
    const key = source && keyOf(source);
    if (this.#lease && this.#lease.key !== key) this.#release();
    if (!source) {
      if (this.#given && this.#encoder !== this.#given) this.#announce(this.#given);
      return (this.#encoder = this.#given);
    }
    if (!this.#lease) {
      this.setState("loading");
      const onProgress = (progress: Progress): void => this.tell(progress);
      this.#lease = { ...lease(source, onProgress), key: key! };
    }
    const own = this.#lease;
    try {
      const encoder = await own.encoder;
      if (!signal.aborted && this.#encoder !== encoder) this.#announce(encoder);
      return encoder;
    } catch (error) {
      if (this.#lease === own) this.#release();
      throw error;
    }
  }

  #announce(encoder: Encoder): void {
    this.#encoder = encoder;
    for (const picture of this.list.all) delete picture.error;
    const stop = encoder.onDeviceLost(() => this.draw());
    this.#ends.signal.addEventListener("abort", stop, { once: true });
    this.emit("kith-ready", { device: encoder.device, info: encoder.info });
  }

  #release(): void {
    this.#lease?.release();
    this.#lease = undefined;
    this.#encoder = undefined;
  }

  async #look(encoder: Encoder, signal: AbortSignal): Promise<void> {
    const { fingerprint } = encoder.info;
    const { all } = this.list;
    const isNew = all.some(({ embedding, error }) => !error && embedding?.encoder !== fingerprint);
    if (isNew) {
      this.setState("embedding");
      await embedAll(encoder, all, { signal, onProgress: (progress) => this.tell(progress) });
      if (signal.aborted) return;
      for (const picture of all) {
        if (picture.error) this.emit("kith-error", { error: picture.error, picture });
      }
    }
    const pictures = all.filter(({ error }) => !error);
    this.#tellEmbeddings(encoder, pictures, isNew);
    await this.use(encoder, pictures, signal);
    if (!signal.aborted) this.setState(all.length > 0 ? "ready" : "empty");
  }

  /** Unless they are those that were told last. */
  #tellEmbeddings(encoder: Encoder, pictures: readonly Picture[], isNew: boolean): void {
    const told = this.#told;
    const same = told.length === pictures.length && pictures.every((one, i) => one === told[i]);
    if (same && !isNew) return;
    this.#told = pictures;
    this.emit("kith-embeddings", { embeddings: embeddingsOf(encoder, pictures), pictures });
  }

  /** @internal Does what the element is for, with pictures that all have embeddings. */
  abstract use(
    encoder: Encoder,
    pictures: readonly Picture[],
    signal: AbortSignal,
  ): void | Promise<void>;

  /** @internal What it looks like now. */
  abstract view(): TemplateResult;

  /** @internal */
  setState(state: ElementState): void {
    const changed = state !== this.#state;
    this.#state = state;
    if (state !== "loading" && state !== "embedding" && state !== "training") {
      this.progress = undefined;
    }
    if (changed) this.emit("kith-state", { state });
    this.draw();
  }

  /** @internal */
  tell(progress: Progress): void {
    this.progress = progress;
    this.draw();
  }

  /** @internal */
  fail(error: unknown): void {
    this.failure = error instanceof Error ? error : new Error(String(error));
    this.setState("error");
    if (error instanceof KithError) this.emit("kith-error", { error });
    else reportError(error); // A mistake of the element itself.
  }

  /** @internal */
  emit<K extends keyof KithElementEvents>(name: K, detail: KithElementEvents[K]): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  /** @internal Draws soon, once for all that changes until then. */
  draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (this.isConnected) render(this.view(), this.shadowRoot!, { host: this });
    });
  }
}

/** Hands a property that was set before its class was known to the class. */
function upgrade(element: object, name: string): void {
  if (!Object.prototype.hasOwnProperty.call(element, name)) return;
  const own = element as Record<string, unknown>;
  const value = own[name];
  delete own[name];
  own[name] = value;
}
