/** Pre-training in the tab: the page asks for each step; not asking pauses the run. */
import { loadBytes } from "./bytes.js";
import { openEngine } from "./engine.js";
import { asFileError } from "./errors.js";
import { gathered } from "./training-data.js";
import { recipeChanges, checkConfig, recipeText } from "./pretrain-config.js";
import { sameSource } from "./state.js";
import { TrainingRun, bytesInMemory, opened } from "./training-run.js";
import type { EngineRef } from "./engine-ref.js";
import type { TrainingData } from "./training-data.js";
import type { Opened } from "./training-run.js";
import type { Images, PretrainConfig } from "./types.js";
import { ENGINE } from "./wasm-module.js";

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

/** A run of pre-training. */
export class Pretraining extends TrainingRun {
  /** @internal Use `pretrain`. */
  static async open(
    engine: EngineRef,
    trainingData: TrainingData,
    start: Opened["start"],
    config: PretrainConfig,
  ): Promise<Pretraining> {
    const resume = (state: Uint8Array) => engine.invoke(ENGINE, "resumePretraining", [state]);
    const run = new Pretraining(engine, trainingData, await opened(engine, start, resume), config);
    await run.remote.ready();
    return run;
  }
}
