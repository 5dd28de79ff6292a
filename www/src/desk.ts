/** What all panels share: the pictures, and the networks that look at them. */
import {
  loadEncoder,
  type ByteSource,
  type CallOptions,
  type Device,
  type DeviceReport,
  type Encoder,
  type LinearProbe,
  type LoadOptions,
  type Pretraining,
} from "kith-web";
import { remember, setting } from "./address.js";
import { gallery } from "./gallery.js";
import { picturesFrom } from "./own.js";
import type { Picture } from "./picture.js";
import { precomputed, Sight } from "./sight.js";
import { circumstances } from "./trouble.js";

/** What panels can be told of: other networks or devices, pictures of the visitor, a probe, a run. */
export type News = "sight" | "pictures" | "probe" | "run";

const DEVICES: readonly Device[] = ["auto", "webgpu", "cpu"];

export class Desk {
  readonly gallery: readonly Picture[];
  /** The visitor's pictures: in this tab alone. */
  readonly own: Picture[] = [];
  /** The network that is looked through, and one that has learnt nothing. */
  sight: Sight;
  readonly random: Sight;
  readonly trained: Sight;
  /** The name of the open checkpoint. */
  checkpoint: string;
  device: Device;
  /** The probe that was trained or opened last, if it is of the open network. */
  probe: LinearProbe | undefined;
  /** The run that is on the stage of Learn. */
  #run: Pretraining | undefined;
  /** Where the open network came from, to open it once more on another device. */
  #source: ByteSource;
  readonly #news = new EventTarget();

  constructor(pictures: readonly Picture[], trained: Sight, random: Sight) {
    this.gallery = pictures;
    this.trained = this.sight = trained;
    this.random = random;
    this.checkpoint = "trained";
    this.#source = addressOf(trained);
    const wish = setting("device", "auto") as Device;
    this.device = DEVICES.includes(wish) ? wish : "auto";
  }

  static async open(): Promise<Desk> {
    const pictures = await gallery();
    const trained = precomputed("trained", pictures);
    const random = precomputed("random", pictures);
    return new Desk(pictures, await trained, await random);
  }

  get encoder(): Encoder | undefined {
    return this.sight.encoder;
  }

  /** What computes now, if anything does. */
  get computing(): DeviceReport | undefined {
    return this.#run?.device ?? this.encoder?.device;
  }

  /** A run goes on the stage. */
  enter(run: Pretraining): void {
    this.#run = run;
    run.onDeviceLost(() => this.tell("run"));
    this.tell("run");
  }

  /** A run leaves the stage, unless another is on it already. */
  exit(run: Pretraining): void {
    if (this.#run === run) this.#run = undefined;
    this.tell("run");
  }

  /** The gallery's pictures, then the visitor's. */
  get all(): readonly Picture[] {
    return [...this.gallery, ...this.own];
  }

  picture(id: string): Picture | undefined {
    return this.all.find((picture) => picture.id === id);
  }

  /** Listens until `root` is left. */
  on(news: News, listener: () => void, until: AbortSignal): void {
    this.#news.addEventListener(news, listener, { signal: until });
  }

  tell(news: News): void {
    this.#news.dispatchEvent(new Event(news));
  }

  /** Loads the open network and the random one, and lets both look at the visitor's pictures. */
  async load(options: CallOptions): Promise<void> {
    await this.#loadInto(this.sight, this.#source, options);
    if (this.sight !== this.random) {
      await this.#loadInto(this.random, addressOf(this.random), { signal: options.signal! });
    }
    await this.#lookAtOwn(options);
    this.tell("sight");
  }

  async #loadInto(sight: Sight, source: ByteSource, options: CallOptions): Promise<void> {
    const encoder = await loadEncoder(source, {
      ...options,
      ...keeping(sight, source),
      device: this.device,
    });
    await sight.encoder?.dispose();
    sight.encoder = encoder;
    circumstances.device = encoder.device;
    encoder.onDeviceLost((report) => {
      circumstances.device = report;
      this.tell("sight");
    });
  }

  /** Opens another checkpoint; what it has not seen beforehand of the gallery it looks at now. */
  async openCheckpoint(name: string, source: ByteSource, options: CallOptions): Promise<void> {
    const known = [this.trained, this.random].find((sight) => source === addressOf(sight));
    if (known) await this.#show(name, known, source);
    else await this.#openUnknown(name, source, options);
    if (this.encoder || !known) await this.#lookAtOwn(options);
    this.tell("sight");
  }

  async #openUnknown(name: string, source: ByteSource, options: CallOptions): Promise<void> {
    const encoder = await loadEncoder(source, { ...options, cache: "none", device: this.device });
    const { fingerprint } = encoder.info;
    const known = [this.trained, this.random].find((sight) => sight.fingerprint === fingerprint);
    const sight = known ?? new Sight(name, encoder.info);
    const before = sight.encoder;
    sight.encoder = encoder;
    await before?.dispose();
    await sight.look(this.gallery, options);
    circumstances.device = encoder.device;
    await this.#show(name, sight, source);
  }

  async #show(name: string, sight: Sight, source: ByteSource): Promise<void> {
    const before = this.sight;
    if (before !== sight) this.probe = undefined;
    this.sight = sight;
    this.#source = source;
    this.checkpoint = name;
    circumstances.checkpoint = `${name} ${sight.fingerprint}`;
    if (before !== sight && before !== this.trained && before !== this.random) {
      await before.encoder?.dispose();
    }
  }

  /** Computes on another device from now on; gives whether anything has to be loaded again. */
  async use(device: Device): Promise<boolean> {
    this.device = device;
    remember({ device: device === "auto" ? undefined : device });
    const loaded = this.encoder !== undefined;
    for (const sight of [this.sight, this.trained, this.random]) {
      await sight.encoder?.dispose();
      sight.encoder = undefined;
    }
    this.tell("sight");
    return loaded;
  }

  /** Takes in pictures of the visitor's; gives them. `label`: their class, else their folder. */
  bring(files: readonly File[], label: string | null = null): Picture[] {
    const fresh = picturesFrom(files, label);
    this.own.push(...fresh);
    this.tell("pictures");
    return fresh;
  }

  /** Lets the loaded networks look at the visitor's pictures. */
  async #lookAtOwn(options: CallOptions): Promise<void> {
    await this.sight.look(this.own, options);
    await this.random.look(this.own, { signal: options.signal! });
  }

  /** Lets the loaded networks look at those of the visitor's pictures that they do not know yet. */
  async look(options: CallOptions): Promise<void> {
    const fresh = this.own.filter((picture) => !this.sight.knows(picture));
    if (fresh.length === 0) return;
    await this.#lookAtOwn(options);
    this.tell("pictures");
  }

  /** Forgets a picture of the visitor's. */
  drop(picture: Picture): void {
    this.own.splice(this.own.indexOf(picture), 1);
    for (const sight of [this.sight, this.trained, this.random]) sight.forget(picture);
    if (picture.file) URL.revokeObjectURL(picture.file.url);
    this.tell("pictures");
  }
}

/**
 * Networks of this page are kept for the next visit, and let go when another is expected; what lies
 * at another address may change there.
 */
function keeping(sight: Sight, source: ByteSource): LoadOptions {
  const own = sight.facts !== undefined && source === addressOf(sight);
  // Only a secure page can compute a hash.
  return own && isSecureContext ? { integrity: sight.facts.integrity } : { cache: "none" };
}

/** Where the checkpoint of a network that came with the page lies. */
export const addressOf = ({ facts }: Sight): string =>
  new URL(`./sights/${facts!.checkpoint}`, document.baseURI).href;
