/** State that all panels share: the pictures, the networks and their embeddings. */
import {
  KithError,
  loadEncoder,
  type ByteSource,
  type CallOptions,
  type Device,
  type DeviceReport,
  type Encoder,
  type ImportOptions,
  type LinearProbe,
  type LoadOptions,
  type TrainingRun,
} from "kith-web";
import { knownSetting, remember, wordSetting } from "./address.js";
import { gallery } from "./gallery.js";
import { picturesFromFiles } from "./user-pictures.js";
import { measures, setMark, type Mark } from "./label/mark.js";
import type { Picture } from "./picture.js";
import { loadPrecomputed, Network } from "./network.js";
import { KeptPictures } from "./own/kept-pictures.js";
import { diagnosticContext } from "./error-box.js";

/**
 * What panels can listen to: changes of network or device, of the user's pictures, of the probe, of
 * the run, of what is kept of the pictures; files of an encoder that were dropped on the page.
 */
export type AppEvent = "network" | "pictures" | "probe" | "run" | "kept" | "encoder files";

/** The file of an encoder, and what it does not say itself. */
interface Source {
  readonly file: ByteSource;
  readonly told?: ImportOptions | undefined;
}

/** How an encoder is opened. */
interface Opening {
  /** What its file does not say itself. */
  readonly told?: ImportOptions | undefined;
  /** How long a person waits for the gallery. */
  readonly patienceMs?: number;
}

const DEVICES: readonly Device[] = ["auto", "webgpu", "cpu"];

export class AppState {
  readonly gallery: readonly Picture[];
  /** The user's pictures; they never leave this tab. */
  readonly userPictures: Picture[] = [];
  /** What this browser keeps of them. */
  readonly kept = new KeptPictures(() => this.emit("kept"));
  /** Names of files that were taken for pictures and could not be read, until somebody says so. */
  #unreadable: string[] = [];
  /** The open network. `random` is untrained; `trained` came with the page. */
  network: Network;
  readonly random: Network;
  readonly trained: Network;
  /** The name of the open checkpoint. */
  checkpoint: string;
  device: Device;
  /** The probe that was trained or opened last; undefined after another network was opened. */
  probe: LinearProbe | undefined;
  /** The run of the panel Learn or Label. */
  #run: TrainingRun | undefined;
  /** The source of the open network, to load it again on another device. */
  #source: Source;
  /** Encoders of others that came with the page, by name; each is fetched when it is first opened. */
  readonly #others = new Map<string, Network>();
  #dropped: readonly File[] = [];
  #droppedPictures: readonly File[] = [];
  #working: Promise<void> = Promise.resolve();
  readonly #target = new EventTarget();

  constructor(pictures: readonly Picture[], trained: Network, random: Network) {
    this.gallery = pictures;
    this.trained = this.network = trained;
    this.random = random;
    this.checkpoint = "trained";
    this.#source = { file: trained.url! };
    this.device = wordSetting("device", DEVICES, "auto");
  }

  static async open(): Promise<AppState> {
    const pictures = await gallery();
    const trained = loadPrecomputed("networks/trained", pictures);
    const random = loadPrecomputed("networks/random", pictures);
    return new AppState(pictures, await trained, await random);
  }

  /** The file of the open network. */
  get checkpointFile(): ByteSource {
    return this.#source.file;
  }

  /** What is told of that file, where it is not kith's. */
  get told(): ImportOptions | undefined {
    return this.#source.told;
  }

  get encoder(): Encoder | undefined {
    return this.network.encoder;
  }

  /** The device in use, if any. */
  get activeDevice(): DeviceReport | undefined {
    return this.#run?.device ?? this.encoder?.device;
  }

  /** Sets the current run. */
  setRun(run: TrainingRun): void {
    this.#run = run;
    run.onDeviceLost(() => this.emit("run"));
    this.emit("run");
  }

  /** Ends the current run, unless another has started. */
  clearRun(run: TrainingRun): void {
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

  /** The picture that the address names. */
  pictureInAddress(): Picture | undefined {
    const find = (id: string): Picture | undefined => this.picture(id);
    const expected = "the name of a picture of the gallery";
    return knownSetting("picture", find, { expected, otherwise: undefined });
  }

  /** Listens until `closed` aborts. */
  on(event: AppEvent, listener: () => void, closed: AbortSignal): void {
    this.#target.addEventListener(event, listener, { signal: closed });
  }

  emit(event: AppEvent): void {
    this.#target.dispatchEvent(new Event(event));
  }

  /**
   * Loads the open network and the random one, unless they are there, and embeds the user's pictures with
   * both. A call while another loads waits for it.
   */
  load(options: CallOptions): Promise<void> {
    return this.#inTurn(() => this.#load(options));
  }

  /** Does work after what was asked for before, whatever became of that. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#working = this.#working.catch(() => {}).then(work);
    return this.#working;
  }

  async #load(options: CallOptions): Promise<void> {
    options.signal?.throwIfAborted();
    if (!this.encoder) await this.#loadInto(this.network, this.#source, options);
    if (!this.random.encoder) {
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
   * as `patienceMs` allow; a minute, if it is not said.
   */
  async openEncoder(
    name: string,
    file: ByteSource,
    { told, patienceMs, ...options }: CallOptions & Opening,
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
      await network.embedSome(this.gallery, options, patienceMs);
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

  /** Files that were dropped where no panel takes pictures, for the panel that opens next. */
  dropPictures(files: readonly File[]): void {
    this.#droppedPictures = files;
  }

  takeDroppedPictures(): readonly File[] {
    const files = this.#droppedPictures;
    this.#droppedPictures = [];
    return files;
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
    this.adoptPictures(added);
    return added;
  }

  /** Adds pictures of the user that have their names already. */
  adoptPictures(pictures: readonly Picture[]): void {
    this.userPictures.push(...pictures);
    void this.kept.add(pictures);
    this.emit("pictures");
  }

  /** Brings back the pictures that this browser kept. */
  async restorePictures(): Promise<void> {
    const restored = await this.kept.restore();
    if (restored.length === 0) return;
    this.userPictures.unshift(...restored);
    this.emit("pictures");
  }

  /** Gives pictures of the user a label; it is stored before it is shown. What is set aside stays so. */
  async label(pictures: readonly Picture[], label: string | null): Promise<void> {
    for (const aside of [false, true]) {
      const some = pictures.filter((picture) => measures(picture) === aside);
      const mark = { label, unknown: false, aside: aside && label !== null };
      if (some.length > 0) await this.mark(some, mark);
    }
  }

  /** Says of pictures of the user what a person said; it is stored before it is shown. */
  async mark(pictures: readonly Picture[], mark: Mark): Promise<void> {
    await this.kept.mark(pictures, mark);
    for (const picture of pictures) setMark(picture, mark);
    this.emit("pictures");
  }

  /** Removes all pictures of the user from this tab and this browser. */
  async forgetPictures(): Promise<void> {
    await this.kept.forget();
    for (const picture of this.userPictures.splice(0)) this.#drop(picture);
    this.emit("pictures");
  }

  /** Embeds the user's pictures with the loaded networks; those that cannot be read are removed. */
  async #embedUserPictures(options: CallOptions): Promise<void> {
    try {
      await this.network.embed(this.userPictures, options);
      await this.random.embed(this.userPictures, { signal: options.signal! });
    } catch (error) {
      if (!(error instanceof KithError && error.code === "IMAGE_DECODE")) throw error;
      if (!(await this.#removeUnreadable())) throw error;
      await this.#embedUserPictures(options);
    }
  }

  /**
   * The user's pictures that this browser can read; the others are removed. They are copies: a run keeps
   * its class names if a class is renamed meanwhile.
   */
  async readableUserPictures(): Promise<Picture[]> {
    await this.#removeUnreadable();
    return this.userPictures.map((picture) => ({ ...picture }));
  }

  /** Removes pictures that this browser cannot read; returns whether there were any. */
  async #removeUnreadable(): Promise<boolean> {
    const found: Picture[] = [];
    for (const picture of this.userPictures) {
      if (this.network.hasEmbedding(picture) && this.random.hasEmbedding(picture)) continue;
      if (!(await isReadable(picture))) found.push(picture);
    }
    for (const picture of found) this.removePicture(picture);
    this.#unreadable.push(...found.map(({ name }) => name));
    return found.length > 0;
  }

  /** Names of files that could not be read since the last call. */
  takeUnreadable(): readonly string[] {
    return this.#unreadable.splice(0);
  }

  /** Embeds a picture: with the user's others if it is one of them. */
  async embedPicture(picture: Picture, options: CallOptions): Promise<void> {
    if (picture.file) return this.embedUserPictures(options);
    await this.network.embed([picture], options);
  }

  /** Embeds those of the user's pictures that have no embedding yet; loads the network if it is not there. */
  embedUserPictures(options: CallOptions): Promise<void> {
    return this.#inTurn(async () => {
      const added = this.userPictures.filter((picture) => !this.network.hasEmbedding(picture));
      if (added.length === 0) return;
      options.signal?.throwIfAborted();
      if (this.encoder) await this.#embedUserPictures(options);
      else await this.#load(options);
      this.emit("pictures");
    });
  }

  /** Removes a picture of the user. */
  removePicture(picture: Picture): void {
    this.userPictures.splice(this.userPictures.indexOf(picture), 1);
    void this.kept.remove(picture);
    this.#drop(picture);
    this.emit("pictures");
  }

  #drop(picture: Picture): void {
    for (const network of [this.network, ...this.#builtIn]) network.remove(picture);
    if (picture.file) URL.revokeObjectURL(picture.file.url);
  }
}

/** Whether this browser can decode a picture of the user. */
async function isReadable({ file }: Picture): Promise<boolean> {
  try {
    (await createImageBitmap(file!.blob)).close();
    return true;
  } catch {
    return false;
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
