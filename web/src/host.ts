/** The computing side: objects of the WebAssembly by number, in a worker or, in Node, in place. */
import type * as Glue from "./door.js";
import type { Door } from "./door.js";
import type { FitSettings, Found, Note, Plan } from "./wire.js";
import { CODED, KithError } from "./errors.js";
import { planesOf } from "./planes.js";
import type { AugmentationOp, RawImage } from "./types.js";
import type { OnBytes } from "./wasm.js";

export type Kind = "cpu" | "webgpu";

/** What the platform brings: the glue of a build, and its module. */
export interface Platform {
  glue(kind: Kind): Promise<Door>;
  module(kind: Kind, url: string | undefined, onBytes: OnBytes): Promise<WebAssembly.Module>;
  /** Hands buffers over instead of copying them. */
  transfer<T>(value: T, buffers: Transferable[]): T;
}

/** How long a complaint of the device may take after the numbers that it is about. */
const COMPLAINT_MS = 200;

type Held = { free(): void };

/** Where pictures come from on their way to the computing side. */
export type Decodable = Blob | ImageBitmap | RawImage;

/** Pictures of any shape that are to become squares. */
export interface Sent {
  readonly pictures: readonly Decodable[];
  /** Place of the first in all that the caller gave. */
  readonly first: number;
  /** Of the squares, in pixels. */
  readonly side: number;
}

export class Host {
  readonly #platform: Platform;
  readonly #held = new Map<number, Held>();
  #next = 1;
  #door: Door | undefined;
  #engine: Glue.Engine | undefined;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Loads a build, or takes a module that was compiled before, and opens its device. */
  async open(
    kind: Kind,
    from: { url?: string; module?: WebAssembly.Module },
    onBytes: OnBytes,
  ): Promise<WebAssembly.Module> {
    const module = from.module ?? (await this.#platform.module(kind, from.url, onBytes));
    const door = await this.#platform.glue(kind);
    const exports = (await door.default({ module_or_path: module })) as unknown as {
      __wasm_call_ctors(): void;
    };
    exports.__wasm_call_ctors();
    this.#engine = await this.#coded(() => door.Engine.open());
    this.#door = door;
    return module;
  }

  /** The largest relative deviation of a tiny forward and backward pass, and how long it took. */
  async selfTest(): Promise<{ deviation: number; passed: boolean; ms: number }> {
    const start = performance.now();
    const deviation = await this.#run((_, engine) => engine.selfTest());
    const { door, engine } = this.#opened();
    const passed = deviation <= door.tolerance();
    if (!passed) {
      // What the device complains of explains wrong numbers, and may be told later than they are read.
      await new Promise((resolve) => setTimeout(resolve, COMPLAINT_MS));
      this.#check(engine);
    }
    return { deviation, passed, ms: performance.now() - start };
  }

  policies(): string[] {
    return this.#opened().door.policies();
  }

  async policy(name: string): Promise<AugmentationOp[]> {
    return this.#coded(() => this.#opened().door.policy(name) as AugmentationOp[]);
  }

  async recipes(): Promise<{ name: string; toml: string }[]> {
    return this.#coded(() => this.#opened().door.recipes() as { name: string; toml: string }[]);
  }

  /** Pictures of any shape as planar bytes, `[n, 3, side, side]`. */
  async squares(sent: Sent): Promise<Uint8Array> {
    const all = await this.#squares(sent);
    return this.#platform.transfer(all, [all.buffer as ArrayBuffer]);
  }

  async #squares({ pictures, first, side }: Sent): Promise<Uint8Array> {
    const { door } = this.#opened();
    const all = new Uint8Array(pictures.length * 3 * side * side);
    await this.#coded(async () => {
      for (const [place, picture] of pictures.entries()) {
        const raw = "data" in picture ? picture : await planesOf(picture, first + place);
        const { data, width, height, channels } = raw;
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        const square = door.square(bytes, width, height, channels, side);
        all.set(square, place * square.length);
      }
    });
    return all;
  }

  async encoderRead(bytes: Uint8Array): Promise<{ handle: number; note: Note }> {
    const encoder = await this.#run((door, engine) => door.Encoder.read(engine, bytes));
    return { handle: this.#hold(encoder), note: encoder.info as Note };
  }

  /** Features of pictures, in one visit. */
  async embed(
    sent: Sent,
    handle: number,
    { layer, normalize }: { layer: string; normalize: boolean },
  ): Promise<Float32Array> {
    const encoder = this.#get<Glue.Encoder>(handle);
    const pixels = await this.#squares(sent);
    const length = normalize ? "unit" : "own";
    return this.#numbers(() => encoder.embed(pixels, sent.pictures.length, layer, length));
  }

  async classify(sent: Sent, handle: number): Promise<Float32Array> {
    const encoder = this.#get<Glue.Encoder>(handle);
    const pixels = await this.#squares(sent);
    return this.#numbers(() => encoder.classify(pixels, sent.pictures.length));
  }

  async supportNearest(
    handle: number,
    projections: Float32Array,
    k: number,
  ): Promise<Found & { labels: Int32Array }> {
    const encoder = this.#get<Glue.Encoder>(handle);
    return this.#run(
      () => encoder.supportNearest(projections, k) as Promise<Found & { labels: Int32Array }>,
    );
  }

  /** Views of one picture, planar, `[views, 3, side, side]`. */
  async augment(
    pixels: Uint8Array,
    side: number,
    wanted: { ops: readonly AugmentationOp[]; seed: number; image: number; views: number },
  ): Promise<Uint8Array> {
    return this.#numbers((door, engine) => door.augment(engine, pixels, side, wanted));
  }

  async bankNew(rows: Float32Array, dim: number): Promise<number> {
    return this.#hold(await this.#run((door, engine) => new door.Bank(engine, rows, dim)));
  }

  async bankNearest(handle: number, queries: Float32Array, k: number): Promise<Found> {
    const bank = this.#get<Glue.Bank>(handle);
    return this.#run(() => bank.nearest(queries, k) as Promise<Found>);
  }

  async probeStart(
    train: { features: Float32Array; labels: Uint16Array },
    validation: { features: Float32Array; labels: Uint16Array },
    [dim, classes]: [number, number],
    settings: FitSettings,
  ): Promise<{ handle: number; epochs: number }> {
    const fit = await this.#run((door, engine) => {
      const labelled = ({ features, labels }: typeof train) =>
        new door.Labelled(features, dim, labels);
      return new door.ProbeFit(engine, labelled(train), labelled(validation), classes, settings);
    });
    return { handle: this.#hold(fit), epochs: fit.epochs };
  }

  async probeAdvance(handle: number, epochs: number): Promise<Float64Array> {
    const fit = this.#get<Glue.ProbeFit>(handle);
    return this.#numbers(() => fit.advance(epochs));
  }

  async probeResult(handle: number): Promise<{ weight: Float32Array; bias: Float32Array }> {
    const fit = this.#get<Glue.ProbeFit>(handle);
    return this.#run(() => fit.result() as Promise<{ weight: Float32Array; bias: Float32Array }>);
  }

  async pretrainStart(toml: string, changes: readonly string[], plan: Plan): Promise<RunStart> {
    const run = await this.#run((door, engine) =>
      door.Pretraining.start(engine, toml, [...changes], plan),
    );
    return this.#started(run);
  }

  async pretrainResume(state: Uint8Array): Promise<RunStart> {
    return this.#started(await this.#run((door, engine) => door.Pretraining.resume(engine, state)));
  }

  #started(run: Glue.Pretraining): RunStart {
    const { steps, total, toml } = run;
    return { handle: this.#hold(run), steps, total, toml, plan: run.plan as Plan };
  }

  async pretrainAdd(handle: number, pixels: Uint8Array, count: number): Promise<void> {
    const run = this.#get<Glue.Pretraining>(handle);
    await this.#run(() => run.addPictures(pixels, count));
  }

  async pretrainAddLabelled(
    handle: number,
    pixels: Uint8Array,
    labels: Uint16Array,
  ): Promise<void> {
    const run = this.#get<Glue.Pretraining>(handle);
    await this.#run(() => run.addLabelled(pixels, labels));
  }

  /** Whether the pictures added suffice for a batch. */
  async pretrainCheck(handle: number): Promise<void> {
    const run = this.#get<Glue.Pretraining>(handle);
    await this.#run(() => run.check());
  }

  async pretrainStep(handle: number): Promise<Record<string, number>> {
    const run = this.#get<Glue.Pretraining>(handle);
    return this.#run(() => run.step() as Promise<Record<string, number>>);
  }

  async pretrainEmbed(handle: number, pixels: Uint8Array, count: number): Promise<Float32Array> {
    const run = this.#get<Glue.Pretraining>(handle);
    return this.#numbers(() => run.embed(pixels, count));
  }

  async pretrainCheckpoint(
    handle: number,
    told: { dataset: string; classNames: readonly string[]; half: boolean },
  ): Promise<Uint8Array> {
    const run = this.#get<Glue.Pretraining>(handle);
    return this.#numbers(() => run.checkpoint(told));
  }

  async pretrainState(handle: number): Promise<Uint8Array> {
    const run = this.#get<Glue.Pretraining>(handle);
    return this.#numbers(() => run.state());
  }

  /** Lets an object go; a number that names none is no error. */
  free(handle: number): void {
    this.#held.get(handle)?.free();
    this.#held.delete(handle);
  }

  #hold(held: Held): number {
    this.#held.set(this.#next, held);
    return this.#next++;
  }

  #get<T extends Held>(handle: number): T {
    const held = this.#held.get(handle);
    if (!held) throw coded("DISPOSED", "the object was let go before");
    return held as T;
  }

  #opened(): { door: Door; engine: Glue.Engine } {
    if (!this.#door || !this.#engine) throw coded("DISPOSED", "the engine is not open");
    return { door: this.#door, engine: this.#engine };
  }

  /** Work whose result is an array of its own, which is handed over. */
  async #numbers<T extends Uint8Array | Float32Array | Float64Array>(
    work: (door: Door, engine: Glue.Engine) => T | Promise<T>,
  ): Promise<T> {
    const numbers = await this.#run(work);
    return this.#platform.transfer(numbers, [numbers.buffer as ArrayBuffer]);
  }

  /** Work on the device, after which the device is asked how it fares. */
  async #run<T>(work: (door: Door, engine: Glue.Engine) => T | Promise<T>): Promise<T> {
    const { door, engine } = this.#opened();
    const result = await this.#coded(() => work(door, engine), engine);
    this.#check(engine);
    return result;
  }

  #check(engine: Glue.Engine): void {
    const { lost } = engine;
    if (lost !== undefined) throw coded("DEVICE_LOST", `the GPU was lost: ${lost}`);
    const errors = engine.takeErrors();
    if (errors.length > 0) throw coded("GPU_ERROR", errors.join("\n"));
  }

  async #coded<T>(work: () => T | Promise<T>, engine?: Glue.Engine): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (engine && lostOf(engine))
        throw coded("DEVICE_LOST", `the GPU was lost: ${lostOf(engine)}`);
      throw crossing(thrown);
    }
  }
}

/** A run of pre-training that was started or goes on. */
export interface RunStart {
  readonly handle: number;
  readonly steps: number;
  readonly total: number;
  readonly toml: string;
  readonly plan: Plan;
}

/** Why the device was lost; after a trap nothing may be known. */
function lostOf(engine: Glue.Engine): string | undefined {
  try {
    return engine.lost;
  } catch {
    return undefined;
  }
}

/** An error whose code survives the worker's border. */
export function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: CODED + code });
}

/** Whatever was thrown, with its code in its name. */
export function crossing(thrown: unknown): unknown {
  if (thrown instanceof KithError) return coded(thrown.code, thrown.message);
  const code = (thrown as { code?: unknown } | null)?.code;
  if (thrown instanceof Error && typeof code === "string") return coded(code, thrown.message);
  return thrown;
}
