/** Pre-training in the tab: the page asks for each step; not asking pauses the run. */
import { loadBytes } from "./bytes.js";
import { openEngine } from "./engine.js";
import { asFileError } from "./errors.js";
import { classesOf } from "./labels.js";
import { gathered } from "./training-data.js";
import { recipeChanges, checkConfig, recipeText, startOf } from "./pretrain-config.js";
import { lossesIn, sameSource } from "./state.js";
import type { SavedLosses } from "./loss-history.js";
import { TrainingRun, bytesInMemory, opened, planOf } from "./training-run.js";
import type { EngineRef } from "./engine-ref.js";
import type { TrainingData } from "./training-data.js";
import type { Opened } from "./training-run.js";
import type { DeviceReport, Images, PretrainConfig } from "./types.js";
import { ENGINE } from "./wasm-module.js";

/**
 * Starts a run. Errors: those of an engine, `SETTING`, `TOO_FEW_EXAMPLES`, `IMAGE_DECODE`, and
 * `loadEncoder`'s for a `from` that holds no encoder.
 */
export async function pretrain(images: Images, config: PretrainConfig = {}): Promise<Pretraining> {
  checkConfig(config);
  const engine = await openEngine(config, "training");
  try {
    const toml = await recipeText(engine, config.recipe);
    const { from, plan: begin } = await startOf(config);
    const { names, places } = classesOf(config.labels ?? [], "allowed");
    const changes = recipeChanges(config, names);
    const asked = {
      ...begin,
      classes: names.length,
      seed: config.seed ?? 0,
      steps: config.stepsPerEpoch ?? 0,
      epochs: config.epochs ?? 0,
      pictures: 0,
      labelled: places.filter((place) => place >= 0).length,
    };
    const opening = (plan: typeof asked) =>
      engine.invoke(ENGINE, "pretraining", [toml, changes, plan, from]);
    const side = begin.side || (await planOf(engine, () => opening(asked))).side;
    const trainingData = await gathered(engine, images, side, config);
    const plan = { ...asked, side, pictures: trainingData.count };
    const start = () => opening(plan);
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
  config: Omit<
    PretrainConfig,
    "recipe" | "set" | "seed" | "stepsPerEpoch" | "epochs" | "from" | "import" | "imageSize"
  > = {},
): Promise<Pretraining> {
  checkConfig(config);
  const { bytes } = await loadBytes(bytesInMemory(state));
  const engine = await openEngine(config, "training");
  try {
    const start = () => engine.invoke(ENGINE, "resumePretraining", [bytes]).catch(asFileError);
    const plan = await planOf(engine, start);
    const trainingData = await gathered(engine, images, plan.side, config);
    sameSource(bytes, trainingData, plan.classes);
    return await Pretraining.open(engine, trainingData, start, config, lossesIn(bytes));
  } catch (error) {
    engine.release();
    throw error;
  }
}

/** The GPU by the name that its driver gives. */
const gpuName = ({ adapter }: DeviceReport): string =>
  `WebGPU, in a browser: ${adapter?.description || adapter?.vendor || "no name"}`;

/** A run of pre-training. */
export class Pretraining extends TrainingRun {
  /** @internal Use `pretrain`. */
  static async open(
    engine: EngineRef,
    trainingData: TrainingData,
    start: Opened["start"],
    config: PretrainConfig,
    losses?: SavedLosses,
  ): Promise<Pretraining> {
    const resume = (state: Uint8Array) => engine.invoke(ENGINE, "resumePretraining", [state]);
    const own = { ...(await opened(engine, start, resume)), losses };
    const run = new Pretraining(engine, trainingData, own, config);
    await run.remote.ready();
    return run;
  }

  /** Losses of the first steps, as many as a record takes and some more; fewer before they are done. */
  get firstLosses(): readonly number[] {
    return this.losses.first;
  }

  /**
   * What running this run again needs, but for its pictures, as text (JSON): recipe, seed, fingerprints of
   * its pictures, losses. `encodeRecord` makes a code for an address of it, `replay` and the native `kith
   * replay` run it again.
   */
  async record(): Promise<string> {
    return this.use((run, engine) => {
      const { dataset, device } = this;
      const words = device.actual === "cpu" ? "CPU, in a browser" : gpuName(device);
      const [first, epochs] = [this.losses.first, this.losses.epochs].map((losses) =>
        Float32Array.from(losses),
      );
      return engine.invoke(run, "record", [words, dataset, first!, epochs!]);
    });
  }

  /** @internal Refuses a record of other pictures. */
  async sameImages(record: string): Promise<void> {
    await this.use((run, engine) => engine.invoke(run, "sameImages", [record]));
  }
}
