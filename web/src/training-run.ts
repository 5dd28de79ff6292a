/** A run of training between two steps, whatever it trains. */
import { Embeddings, joined } from "./embeddings.js";
import type { EngineRef } from "./engine-ref.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import type { Metric, Plan, RunInfo } from "./generated.js";
import { AT_A_TIME, type TrainingData } from "./training-data.js";
import { ProgressReporter } from "./progress.js";
import { RemoteObject, unlessLost } from "./remote-object.js";
import { runFile } from "./run-file.js";
import { flag, optionsOf, whole } from "./checks.js";
import { LossHistory, type SavedLosses } from "./loss-history.js";
import { describe } from "./describe.js";
import { squares, type Batch } from "./squares.js";
import { withNote } from "./state.js";
import type { CallOptions, DeviceReport, EngineOptions, Images, PretrainStep } from "./types.js";
import type { Handle, WasmTraining } from "./wasm-module.js";

/** A run in the backend as it was opened first, and how it is opened again. */
export interface Opened {
  readonly first: Handle<WasmTraining>;
  /** Of the backend that it is in. */
  readonly generation: number;
  readonly info: RunInfo;
  readonly start: () => Promise<Handle<WasmTraining>>;
  /** Goes on from a state. */
  readonly resume: (state: Uint8Array) => Promise<Handle<WasmTraining>>;
  /** Its losses so far, of a run that goes on. */
  readonly losses?: SavedLosses | undefined;
}

/** A run of training: the page asks for each step; not asking pauses it. */
export abstract class TrainingRun {
  /** Steps an epoch, epochs, classes, side, seed. */
  readonly plan: Plan;
  /** What a step measures, in the order in which it is shown. */
  readonly metrics: readonly Metric[];
  /** The recipe, every setting written out. */
  readonly recipeToml: string;
  /** Names of the classes among the labels, sorted. */
  readonly classNames: readonly string[];
  /** @internal */
  protected readonly remote: RemoteObject<WasmTraining>;

  readonly #config: RunConfig;
  readonly #trainingData: TrainingData;
  readonly #losses: LossHistory;
  readonly #total: number;
  #steps: number;
  /** Steps done in the backend; fewer than `#steps` after it was restarted. */
  #there: number;
  #snapshot: Uint8Array | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #busy = false;
  #begun: Promise<PretrainStep> | undefined;

  /** @internal */
  protected constructor(
    engine: EngineRef,
    trainingData: TrainingData,
    { first, generation, info, start, resume, losses }: Opened,
    config: RunConfig,
  ) {
    this.#losses = new LossHistory(losses);
    this.plan = info.plan;
    this.metrics = info.metrics;
    this.recipeToml = info.toml;
    this.classNames = trainingData.classNames;
    this.#total = info.total;
    this.#steps = this.#there = info.steps;
    this.#config = config;
    this.#trainingData = trainingData;
    let opened: Handle<WasmTraining> | undefined = first;
    this.remote = new RemoteObject(engine, async () => {
      const state = this.#snapshot;
      if (engine.generation !== generation) opened = undefined;
      const run = opened ?? (await (state ? resume(state) : start()));
      opened = undefined;
      this.#there = (await engine.invoke(run, "info", [])).steps;
      await supply(engine, run, trainingData);
      return run;
    });
  }

  /** What computes, and why. */
  get device(): DeviceReport {
    return this.remote.engine.report;
  }

  /** @internal Its losses so far: those of the first steps, and means of the epochs. */
  protected get losses(): LossHistory {
    return this.#losses;
  }

  /** Steps done. */
  get step(): number {
    return this.#steps;
  }

  /** Steps of the whole run. */
  get total(): number {
    return this.#total;
  }

  /**
   * The next `n` steps, or as many as are left, each as it is done. Stop iterating to pause. Errors:
   * `SETTING`, `DIVERGED`, `TOO_FEW_EXAMPLES`, `ABORTED`, `BUSY` while other steps are pulled.
   */
  async *steps(n = Infinity, options: CallOptions = {}): AsyncGenerator<PretrainStep, void, void> {
    const { signal, onProgress } = optionsOf(options);
    if (n !== Infinity) whole("n", n, 0);
    if (this.#busy) throw new KithError("BUSY", "steps of this run are being pulled already");
    this.#busy = true;
    const progress = new ProgressReporter(onProgress, { train: 1 });
    const last = Math.min(this.#steps + n, this.#total);
    try {
      while (this.#steps < last) {
        throwIfAborted(signal);
        // A step that was begun when the caller left is the first one when it comes back.
        this.#begun ??= this.#next().finally(() => (this.#begun = undefined));
        const done = await unlessAborted(this.#begun, signal);
        progress.at("train", done.step, this.#total);
        yield done;
      }
    } finally {
      this.#busy = false;
    }
  }

  /** @internal Work with the run, after the work before it; steps that a lost device took are taken again first. */
  protected use<R>(work: (run: Handle<WasmTraining>, engine: EngineRef) => Promise<R>): Promise<R> {
    const { engine } = this.remote;
    const caughtUp = async (run: Handle<WasmTraining>): Promise<R> => {
      for (; this.#there < this.#steps; this.#there += 1) await engine.invoke(run, "step", []);
      return work(run, engine);
    };
    return this.#inTurn(() => this.remote.use(caughtUp));
  }

  /** The backend has no way to do two things with a run at once. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #next(): Promise<PretrainStep> {
    const start = performance.now();
    const { loss, ...metrics } = await this.use(async (run, engine) => {
      const { loss = NaN, ...metrics } = await engine.invoke(run, "step", []);
      this.#steps = this.#there += 1;
      this.#losses.add(this.#steps, loss, this.plan.steps);
      return { loss, ...metrics };
    });
    const step = this.#steps;
    const every = this.#config.snapshotEvery ?? 50;
    if (every > 0 && step % every === 0) await this.state();
    const epoch = Math.ceil(step / this.plan.steps);
    const ms = performance.now() - start;
    return { step, total: this.#total, epoch, loss, metrics, ms };
  }

  /** Embeddings by the encoder as it is now, `[count, dim]`, of length one. */
  async embed(images: Images, options: { signal?: AbortSignal } = {}): Promise<Embeddings> {
    const { signal } = optionsOf(options);
    let dim = 1;
    const parts = await this.each(images, signal, async ({ pixels, count }) => {
      const data = await this.use((run, engine) => engine.invoke(run, "embed", [pixels, count]));
      dim = data.length / count;
      return data;
    });
    return new Embeddings(joined(parts), dim).normalize();
  }

  /** Batches of pictures as the run's size has them, with what the backend gives for each. */
  protected async each<R>(
    images: Images,
    signal: AbortSignal | undefined,
    work: (batch: Batch) => Promise<R>,
  ): Promise<R[]> {
    const found: R[] = [];
    const wanted = {
      side: this.plan.side,
      batchSize: AT_A_TIME,
      signal,
      fetch: this.#config.fetch,
    };
    for await (const batch of squares(this.remote.engine, images, wanted)) {
      found.push(await unlessAborted(work(batch), signal));
    }
    return found;
  }

  /** A checkpoint that `loadEncoder` and the native `kith` open. `half`: half the bytes. */
  async checkpoint(options: { half?: boolean } = {}): Promise<Uint8Array> {
    const { half = false } = optionsOf(options);
    flag("half", half);
    const { dataset, classNames } = this;
    const said = { dataset, classNames, half };
    return this.use((run, engine) => engine.invoke(run, "checkpoint", [said]));
  }

  /** @internal What its pictures are called. */
  protected get dataset(): string {
    return this.#config.dataset ?? "pictures of a browser tab";
  }

  /** Everything that `resumePretraining` needs after a reload, but for the pictures. */
  async state(): Promise<Uint8Array> {
    return (await this.#saved()).state;
  }

  /**
   * The run with its pictures in one file, from which `kith resume` goes on in a terminal, and
   * `readRunFile` in another tab. Errors: `FILE_FORMAT` for more than 2 GB.
   */
  async toFile(): Promise<Uint8Array<ArrayBuffer>> {
    const { state, losses } = await this.#saved();
    return runFile(state, this.#trainingData, { dataset: this.dataset, losses });
  }

  async #saved(): Promise<{ state: Uint8Array; losses: SavedLosses }> {
    return this.use(async (run, engine) => {
      this.#snapshot = await engine.invoke(run, "state", []);
      const losses = this.#losses.saved();
      return { state: withNote(this.#snapshot, this.#trainingData, losses), losses };
    });
  }

  /** Calls `listener` after the device was lost and computing goes on. Returns what unsubscribes. */
  onDeviceLost(listener: (report: DeviceReport) => void): () => void {
    return this.remote.engine.onDeviceLost(listener);
  }

  /** Frees what it holds. */
  async dispose(): Promise<void> {
    await this.#inTurn(() => this.remote.dispose());
  }
}

/** What a run needs besides its pictures. */
export interface RunConfig extends EngineOptions {
  readonly snapshotEvery?: number;
  readonly dataset?: string;
}

/** A run that `start` opens. */
export async function opened(
  engine: EngineRef,
  start: Opened["start"],
  resume: Opened["resume"],
): Promise<Opened> {
  return unlessLost(async () => {
    const first = await start();
    const { generation } = engine;
    return { first, generation, info: await engine.invoke(first, "info", []), start, resume };
  });
}

/** What a run plans; the size of its pictures may be its checkpoint's. */
export async function planOf(engine: EngineRef, start: Opened["start"]): Promise<Plan> {
  return unlessLost(async () => {
    const run = await start();
    try {
      return (await engine.invoke(run, "info", [])).plan;
    } finally {
      await engine.free(run);
    }
  });
}

/** Accepts bytes in memory only, unlike `loadBytes`, which also fetches and reads files. */
export function bytesInMemory(state: Uint8Array): Uint8Array {
  const bytes = ArrayBuffer.isView(state) || (state as unknown) instanceof ArrayBuffer;
  if (bytes) return state;
  throw new KithError("CHECKPOINT_FORMAT", `expected the bytes of a state, got ${describe(state)}`);
}

/** Sends a run its pictures. */
export async function supply(
  engine: EngineRef,
  run: Handle<WasmTraining>,
  { batches, labelled, labels, places, domains }: TrainingData,
): Promise<void> {
  for (const { pixels, count } of batches) {
    await engine.invoke(run, "addPictures", [pixels, count]);
  }
  if (labels.length > 0) await engine.invoke(run, "addLabelled", [labelled.pixels, labels]);
  if (domains.places.length > 0) {
    const ofLabelled = domains.places.filter((_, place) => (places[place] ?? -1) >= 0);
    const both = [domains.places, ofLabelled].map((places) => Uint16Array.from(places));
    await engine.invoke(run, "setDomains", [both[0]!, both[1]!]);
  }
  await engine.invoke(run, "check", []);
}
