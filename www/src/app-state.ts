/** State that all panels share: the pictures, the networks and their embeddings. */
import {
  loadEncoder,
  type ByteSource,
  type CallOptions,
  type Device,
  type DeviceReport,
  type Encoder,
  type ImportOptions,
  type LinearProbe,
  type LoadOptions,
  type Pretraining,
} from "kith-web";
import { remember, setting } from "./address.js";
import { gallery } from "./gallery.js";
import { picturesFromFiles } from "./user-pictures.js";
import type { Picture } from "./picture.js";
import { loadPrecomputed, Network } from "./network.js";
import { diagnosticContext } from "./error-box.js";

/**
 * What panels can listen to: changes of network or device, of the user's pictures, of the probe, of
 * the run; files of an encoder that were dropped on the page.
 */
export type AppEvent = "network" | "pictures" | "probe" | "run" | "encoder files";

/** The file of an encoder, and what it does not say itself. */
interface Source {
  readonly file: ByteSource;
  readonly told?: ImportOptions | undefined;
}

const DEVICES: readonly Device[] = ["auto", "webgpu", "cpu"];

export class AppState {
  readonly gallery: readonly Picture[];
  /** The user's pictures; they never leave this tab. */
  readonly userPictures: Picture[] = [];
  /** The open network. `random` is untrained; `trained` came with the page. */
  network: Network;
  readonly random: Network;
  readonly trained: Network;
  /** The name of the open checkpoint. */
  checkpoint: string;
  device: Device;
  /** The probe that was trained or opened last; undefined after another network was opened. */
  probe: LinearProbe | undefined;
  /** The run of the panel Learn. */
  #run: Pretraining | undefined;
  /** The source of the open network, to load it again on another device. */
  #source: Source;
  /** Encoders of others that came with the page, by name; each is fetched when it is first opened. */
  readonly #others = new Map<string, Network>();
  #dropped: readonly File[] = [];
  readonly #target = new EventTarget();

  constructor(pictures: readonly Picture[], trained: Network, random: Network) {
    this.gallery = pictures;
    this.trained = this.network = trained;
    this.random = random;
    this.checkpoint = "trained";
    this.#source = { file: trained.url! };
    const device = setting("device", "auto") as Device;
    this.device = DEVICES.includes(device) ? device : "auto";
  }

  static async open(): Promise<AppState> {
    const pictures = await gallery();
    const trained = loadPrecomputed("networks/trained", pictures);
    const random = loadPrecomputed("networks/random", pictures);
    return new AppState(pictures, await trained, await random);
  }

  get encoder(): Encoder | undefined {
    return this.network.encoder;
  }

  /** The device in use, if any. */
  get activeDevice(): DeviceReport | undefined {
    return this.#run?.device ?? this.encoder?.device;
  }

  /** Sets the current run. */
  setRun(run: Pretraining): void {
    this.#run = run;
    run.onDeviceLost(() => this.emit("run"));
    this.emit("run");
  }

  /** Ends the current run, unless another has started. */
  clearRun(run: Pretraining): void {
    if (this.#run === run) this.#run = undefined;
    this.emit("run");
  }

  /** The gallery's pictures, then the user's. */
  get all(): readonly Picture[] {
    return [...this.gallery, ...this.userPictures];
  }

  picture(id: string): Picture | undefined {
    return this.all.find((picture) => picture.id === id);
  }

  /** Listens until `closed` aborts. */
  on(event: AppEvent, listener: () => void, closed: AbortSignal): void {
    this.#target.addEventListener(event, listener, { signal: closed });
  }

  emit(event: AppEvent): void {
    this.#target.dispatchEvent(new Event(event));
  }

  /** Loads the open network and the random one, and embeds the user's pictures with both. */
  async load(options: CallOptions): Promise<void> {
    await this.#loadInto(this.network, this.#source, options);
    if (this.network !== this.random) {
      await this.#loadInto(this.random, { file: this.random.url! }, { signal: options.signal! });
    }
    await this.#embedUserPictures(options);
    this.emit("network");
  }

  async #loadInto(network: Network, source: Source, options: CallOptions): Promise<void> {
    const encoder = await loadEncoder(source.file, {
      ...options,
      ...cacheOptions(network, source),
      ...(source.told && { import: source.told }),
      device: this.device,
    });
    await network.encoder?.dispose();
    network.encoder = encoder;
    diagnosticContext.device = encoder.device;
    encoder.onDeviceLost((report) => {
      diagnosticContext.device = report;
      this.emit("network");
    });
  }

  /** The networks that came with the page and whose embeddings are here. */
  get #builtIn(): readonly Network[] {
    return [this.trained, this.random, ...this.#others.values()];
  }

  /** Opens a network that came with the page: `trained`, `random`, or one of `ENCODERS`. */
  async openBuiltIn(name: string, options: CallOptions = {}): Promise<void> {
    const network = await this.#builtInNamed(name);
    await this.#select(name, network, { file: network.url! });
    if (this.encoder) await this.#embedUserPictures(options);
    this.emit("network");
  }

  async #builtInNamed(name: string): Promise<Network> {
    if (name === "trained") return this.trained;
    if (name === "random") return this.random;
    const known = this.#others.get(name);
    if (known) return known;
    const network = await loadPrecomputed(`encoders/${name}`, this.gallery);
    this.#others.set(name, network);
    return network;
  }

  /**
   * Opens another encoder, a checkpoint or other people's weights, and embeds the gallery, as much of it
   * as a minute allows.
   */
  async openEncoder(
    name: string,
    file: ByteSource,
    { told, ...options }: CallOptions & { told?: ImportOptions | undefined },
  ): Promise<void> {
    const encoder = await loadEncoder(file, {
      ...options,
      ...(told && { import: told }),
      cache: "none",
      device: this.device,
    });
    const { fingerprint } = encoder.info;
    const builtIn = this.#builtIn.find((network) => network.fingerprint === fingerprint);
    const network = builtIn ?? new Network(name, encoder.info);
    const before = network.encoder;
    network.encoder = encoder;
    await before?.dispose();
    diagnosticContext.device = encoder.device;
    try {
      await network.embedSome(this.gallery, options);
    } catch (error) {
      // A network that nobody sees must not stay in memory.
      if (network !== this.network) {
        network.encoder = undefined;
        await encoder.dispose();
      }
      throw error;
    }
    await this.#select(name, network, { file, told });
    await this.#embedUserPictures(options);
    this.emit("network");
  }

  /** Embeds the rest of the gallery; what was done before a cancellation stays. */
  async embedGallery(options: CallOptions): Promise<void> {
    try {
      await this.network.embed(this.gallery, options);
    } finally {
      this.emit("network");
    }
  }

  /** Files of an encoder that were dropped on the page, for the panel that opens them. */
  dropEncoderFiles(files: readonly File[]): void {
    this.#dropped = files;
    this.emit("encoder files");
  }

  takeDroppedFiles(): readonly File[] {
    const files = this.#dropped;
    this.#dropped = [];
    return files;
  }

  async #select(name: string, network: Network, source: Source): Promise<void> {
    const before = this.network;
    if (before !== network) this.probe = undefined;
    this.network = network;
    this.#source = source;
    this.checkpoint = name;
    diagnosticContext.checkpoint = `${name} ${network.fingerprint}`;
    if (before !== network && before !== this.trained && before !== this.random) {
      await before.encoder?.dispose();
      before.encoder = undefined;
    }
  }

  /** Changes the device; returns whether the network has to be loaded again. */
  async useDevice(device: Device): Promise<boolean> {
    this.device = device;
    remember({ device: device === "auto" ? undefined : device });
    const wasLoaded = this.encoder !== undefined;
    for (const network of [this.network, ...this.#builtIn]) {
      await network.encoder?.dispose();
      network.encoder = undefined;
    }
    this.emit("network");
    return wasLoaded;
  }

  /**
   * Adds pictures of the user and returns them. Without a `label`, a picture's folder is its class.
   */
  addPictures(files: readonly File[], label: string | null = null): Picture[] {
    const added = picturesFromFiles(files, label);
    this.userPictures.push(...added);
    this.emit("pictures");
    return added;
  }

  /** Embeds the user's pictures with the loaded networks. */
  async #embedUserPictures(options: CallOptions): Promise<void> {
    await this.network.embed(this.userPictures, options);
    await this.random.embed(this.userPictures, { signal: options.signal! });
  }

  /** Embeds a picture: with the user's others if it is one of them. */
  async embedPicture(picture: Picture, options: CallOptions): Promise<void> {
    if (picture.file) return this.embedUserPictures(options);
    await this.network.embed([picture], options);
  }

  /** Embeds those of the user's pictures that have no embedding yet. */
  async embedUserPictures(options: CallOptions): Promise<void> {
    const added = this.userPictures.filter((picture) => !this.network.hasEmbedding(picture));
    if (added.length === 0) return;
    await this.#embedUserPictures(options);
    this.emit("pictures");
  }

  /** Removes a picture of the user. */
  removePicture(picture: Picture): void {
    this.userPictures.splice(this.userPictures.indexOf(picture), 1);
    for (const network of [this.network, ...this.#builtIn]) network.remove(picture);
    if (picture.file) URL.revokeObjectURL(picture.file.url);
    this.emit("pictures");
  }
}

/**
 * Networks of this page are cached until their hash changes; a checkpoint at another address may change
 * at any time.
 */
function cacheOptions(network: Network, source: Source): LoadOptions {
  const isBuiltIn = network.metadata !== undefined && source.file === network.url;
  // Only a secure page can compute a hash.
  return isBuiltIn && isSecureContext
    ? { integrity: network.metadata.integrity }
    : { cache: "none" };
}
