/** Pre-training in the tab: the page asks for each step; not asking pauses the run. */
import { loadBytes } from "./bytes.js";
import { Embeddings, joined } from "./embeddings.js";
import type { EngineRef } from "./engine-ref.js";
import { openEngine } from "./engine.js";
import { KithError, asFileError, throwIfAborted, unlessAborted } from "./errors.js";
import type { Metric, Plan, RunInfo } from "./generated.js";
import { AT_A_TIME, gathered, type TrainingData } from "./training-data.js";
import { ProgressReporter } from "./progress.js";
import { recipeChanges, checkConfig, recipeText } from "./pretrain-config.js";
import { RemoteObject } from "./remote-object.js";
import { flag, optionsOf, whole } from "./checks.js";
import { describe } from "./describe.js";
import { squares } from "./squares.js";
import { sameSource, withNote } from "./state.js";
import type {
  CallOptions,
  DeviceReport,
  EngineOptions,
  Images,
  PretrainConfig,
  PretrainStep,
} from "./types.js";
import { ENGINE, type Handle, type WasmPretraining } from "./wasm-module.js";

/** Starts a run. Errors: those of an engine, `SETTING`, `TOO_FEW_EXAMPLES`, `IMAGE_DECODE`. */
export async function pretrain(images: Images, config: PretrainConfig = {}): Promise<Pretraining> {
  checkConfig(config);
  const engine = await openEngine(config);
  try {
    const toml = await recipeText(engine, config.recipe);
    const side = config.imageSize ?? 32;
    const trainingData = await gathered(engine, images, side, config);
    const plan = {
      side,
      classes: trainingData.classNames.length,
      seed: config.seed ?? 0,
      steps: config.stepsPerEpoch ?? 0,
      epochs: config.epochs ?? 0,
      pictures: trainingData.count,
      labelled: trainingData.labels.length,
    };
    const changes = recipeChanges(config, trainingData);
    const start = () => engine.invoke(ENGINE, "pretraining", [toml, changes, plan]);
    return await Pretraining.open(engine, trainingData, start, config);
  } catch (error) {
    engine.release();
    throw error;
  }
}

/**
 * Goes on with a run whose `state()` was kept, on the same pictures and labels. Errors: as
 * `pretrain`; `CHECKPOINT_FORMAT` for bytes that are no state; `OTHER_RUN` for another number of
 * pictures or other labels than the run began with.
 */
export async function resumePretraining(
  state: Uint8Array,
  images: Images,
  config: Omit<PretrainConfig, "recipe" | "set" | "seed" | "stepsPerEpoch" | "epochs"> = {},
): Promise<Pretraining> {
  checkConfig(config);
  const { bytes } = await loadBytes(bytesInMemory(state));
  const engine = await openEngine(config);
  try {
    const start = () => engine.invoke(ENGINE, "resumePretraining", [bytes]).catch(asFileError);
    const run = await start();
    const { plan } = await engine.invoke(run, "info", []);
    await engine.free(run);
    const trainingData = await gathered(engine, images, plan.side, config);
    sameSource(bytes, trainingData, plan.classes);
    return await Pretraining.open(engine, trainingData, start, config);
  } catch (error) {
    engine.release();
    throw error;
  }
}

/** A run in the backend as it was opened first, and how it is opened again. */
interface Opened {
  readonly first: Handle<WasmPretraining>;
  readonly info: RunInfo;
  readonly start: () => Promise<Handle<WasmPretraining>>;
}

export class Pretraining {
  /** Steps an epoch, epochs, classes, side, seed. */
  readonly plan: Plan;
  /** What a step measures, in the order in which it is shown. */
  readonly metrics: readonly Metric[];
  /** The recipe, every setting written out. */
  readonly recipeToml: string;
  readonly classNames: readonly string[];
  readonly #remote: RemoteObject<WasmPretraining>;
  readonly #config: PretrainConfig;
  readonly #trainingData: TrainingData;
  readonly #total: number;
  #steps: number;
  /** Steps done in the backend; fewer than `#steps` after it was restarted. */
  #there: number;
  #snapshot: { state: Uint8Array; steps: number } | undefined;
  #busy = false;
  #begun: Promise<PretrainStep> | undefined;

  private constructor(
    engine: EngineRef,
    trainingData: TrainingData,
    { first, info, start }: Opened,
    config: PretrainConfig,
  ) {
    this.plan = info.plan;
    this.metrics = info.metrics;
    this.recipeToml = info.toml;
    this.classNames = trainingData.classNames;
    this.#total = info.total;
    this.#steps = this.#there = info.steps;
    this.#config = config;
    this.#trainingData = trainingData;
    let opened: Handle<WasmPretraining> | undefined = first;
    this.#remote = new RemoteObject(engine, async () => {
      const state = this.#snapshot?.state;
      const again = () => (state ? engine.invoke(ENGINE, "resumePretraining", [state]) : start());
      const run = opened ?? (await again());
      opened = undefined;
      this.#there = (await engine.invoke(run, "info", [])).steps;
      await supply(engine, run, trainingData);
      return run;
    });
  }

  /** @internal Use `pretrain`. */
  static async open(
    engine: EngineRef,
    trainingData: TrainingData,
    start: Opened["start"],
    config: PretrainConfig,
  ): Promise<Pretraining> {
    const first = await start();
    const info = await engine.invoke(first, "info", []);
    const run = new Pretraining(engine, trainingData, { first, info, start }, config);
    await run.#remote.ready();
    return run;
  }

  /** What computes, and why. */
  get device(): DeviceReport {
    return this.#remote.engine.report;
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

  /** One step; those that were lost with a device are taken again before it. */
  async #next(): Promise<PretrainStep> {
    const start = performance.now();
    const { engine } = this.#remote;
    const wanted = this.#steps + 1;
    const measured = await this.#remote.use(async (run) => {
      let metrics: Record<string, number> = {};
      while (this.#there < wanted) {
        metrics = await engine.invoke(run, "step", []);
        this.#there += 1;
      }
      return metrics;
    });
    this.#steps = wanted;
    const every = this.#config.snapshotEvery ?? 50;
    if (every > 0 && wanted % every === 0) await this.state();
    const { loss = NaN, ...metrics } = measured;
    const epoch = Math.ceil(wanted / this.plan.steps);
    const ms = performance.now() - start;
    return { step: wanted, total: this.#total, epoch, loss, metrics, ms };
  }

  /** Embeddings by the encoder as it is now, `[count, dim]`, of length one. */
  async embed(images: Images, options: { signal?: AbortSignal } = {}): Promise<Embeddings> {
    const { signal } = optionsOf(options);
    const parts: Float32Array[] = [];
    let dim = 1;
    const { fetch } = this.#config;
    const wanted = { side: this.plan.side, batchSize: AT_A_TIME, signal, fetch };
    for await (const { pixels, count } of squares(this.#remote.engine, images, wanted)) {
      const data = await unlessAborted(this.#remote.invoke("embed", [pixels, count]), signal);
      parts.push(data);
      dim = data.length / count;
    }
    return new Embeddings(joined(parts), dim).normalize();
  }

  /** A checkpoint that `loadEncoder` and the native `kith` open. `half`: half the bytes. */
  async checkpoint(options: { half?: boolean } = {}): Promise<Uint8Array> {
    const { half = false } = optionsOf(options);
    flag("half", half);
    const dataset = this.#config.dataset ?? "pictures of a browser tab";
    return this.#remote.invoke("checkpoint", [{ dataset, classNames: this.classNames, half }]);
  }

  /** Everything that `resumePretraining` needs after a reload, but for the pictures. */
  async state(): Promise<Uint8Array> {
    const steps = this.#steps;
    const state = await this.#remote.invoke("state", []);
    this.#snapshot = { state, steps };
    return withNote(state, this.#trainingData);
  }

  /** Calls `listener` after the device was lost and computing goes on. Returns what unsubscribes. */
  onDeviceLost(listener: (report: DeviceReport) => void): () => void {
    return this.#remote.engine.onDeviceLost(listener);
  }

  /** Frees what it holds. */
  async dispose(): Promise<void> {
    await this.#remote.dispose();
  }
}

/** Accepts bytes in memory only, unlike `loadBytes`, which also fetches and reads files. */
function bytesInMemory(state: Uint8Array): Uint8Array {
  const bytes = ArrayBuffer.isView(state) || (state as unknown) instanceof ArrayBuffer;
  if (bytes) return state;
  throw new KithError("CHECKPOINT_FORMAT", `expected the bytes of a state, got ${describe(state)}`);
}

/** Sends a run its pictures. */
async function supply(
  engine: EngineRef,
  run: Handle<WasmPretraining>,
  { batches, labelled, labels }: TrainingData,
): Promise<void> {
  for (const { pixels, count } of batches) {
    await engine.invoke(run, "addPictures", [pixels, count]);
  }
  if (labels.length > 0) await engine.invoke(run, "addLabelled", [labelled.pixels, labels]);
  await engine.invoke(run, "check", []);
}

export type { Plan, EngineOptions };
