/** Semi-supervised training in the tab: few labels, many pictures. */
import { loadBytes } from "./bytes.js";
import { joined } from "./embeddings.js";
import { openEngine } from "./engine.js";
import { ranked } from "./encoder.js";
import { KithError, asFileError } from "./errors.js";
import { checkConfig, recipeText, startOf } from "./pretrain-config.js";
import { changesOf, optionsOf, whole } from "./checks.js";
import { classesOf } from "./labels.js";
import { sameSource } from "./state.js";
import { gathered } from "./training-data.js";
import { TrainingRun, bytesInMemory, opened, planOf } from "./training-run.js";
import type { EngineRef } from "./engine-ref.js";
import type { TrainingData } from "./training-data.js";
import type { Opened } from "./training-run.js";
import type { ClassShare, Images, SemiSupervisedConfig } from "./types.js";
import { ENGINE } from "./wasm-module.js";

/** The recipe where none is named. */
const RECIPE = "fixmatch";

/**
 * Starts a run on pictures of which few have a label, `null` being none: FixMatch, unless the recipe says
 * otherwise. Errors: those of an engine, `SETTING`, `TOO_FEW_EXAMPLES`, `IMAGE_DECODE`, `DIM_MISMATCH`, and
 * `loadEncoder`'s for what is no checkpoint.
 */
export async function trainSemiSupervised(
  images: Images,
  labels: readonly (string | null)[],
  config: SemiSupervisedConfig = {},
): Promise<SemiSupervised> {
  checkConfig({ ...config, labels });
  const { names, places } = classesOf(labels, "allowed");
  if (names.length < 2) {
    throw new KithError("TOO_FEW_EXAMPLES", `expected at least 2 classes, got ${names.length}`);
  }
  const changes = changesOf(config.set);
  const engine = await openEngine(config, "training");
  try {
    const toml = await recipeText(engine, config.recipe ?? RECIPE);
    const { from, plan: begin } = await startOf(config);
    const plan = {
      ...begin,
      classes: names.length,
      seed: config.seed ?? 0,
      steps: config.stepsPerEpoch ?? 0,
      epochs: config.epochs ?? 0,
      pictures: labels.length,
      labelled: places.filter((place) => place >= 0).length,
    };
    const start = () => engine.invoke(ENGINE, "semiSupervised", [toml, changes, plan, from]);
    const { side } = await planOf(engine, start);
    const trainingData = await gathered(engine, images, side, { ...config, labels });
    return await SemiSupervised.open(engine, trainingData, start, config);
  } catch (error) {
    engine.release();
    throw error;
  }
}

/**
 * Goes on with a run whose `state()` was kept, on the same pictures and labels. Errors: as
 * `trainSemiSupervised`; `CHECKPOINT_FORMAT` for bytes that are no state of such a run; `OTHER_RUN` for
 * another number of pictures or other labels than the run began with.
 */
export async function resumeSemiSupervised(
  state: Uint8Array,
  images: Images,
  labels: readonly (string | null)[],
  config: Omit<
    SemiSupervisedConfig,
    "recipe" | "set" | "seed" | "stepsPerEpoch" | "epochs" | "from" | "imageSize"
  > = {},
): Promise<SemiSupervised> {
  checkConfig({ ...config, labels });
  const { bytes } = await loadBytes(bytesInMemory(state));
  const engine = await openEngine(config, "training");
  try {
    const pictures = labels.length;
    const start = () =>
      engine.invoke(ENGINE, "resumeSemiSupervised", [bytes, pictures]).catch(asFileError);
    const plan = await planOf(engine, start);
    const trainingData = await gathered(engine, images, plan.side, { ...config, labels });
    sameSource(bytes, trainingData, plan.classes);
    return await SemiSupervised.open(engine, trainingData, start, config);
  } catch (error) {
    engine.release();
    throw error;
  }
}

/** A run of semi-supervised training. */
export class SemiSupervised extends TrainingRun {
  /** @internal Use `trainSemiSupervised`. */
  static async open(
    engine: EngineRef,
    trainingData: TrainingData,
    start: Opened["start"],
    config: SemiSupervisedConfig,
  ): Promise<SemiSupervised> {
    const pictures = trainingData.count;
    const resume = (state: Uint8Array) =>
      engine.invoke(ENGINE, "resumeSemiSupervised", [state, pictures]);
    const from = await opened(engine, start, resume);
    const run = new SemiSupervised(engine, trainingData, from, config);
    await run.remote.ready();
    return run;
  }

  /** What the classifier as it is now takes pictures for, most likely first. */
  async classify(
    images: Images,
    options: { topK?: number; signal?: AbortSignal } = {},
  ): Promise<ClassShare[][]> {
    const { topK = Infinity, signal } = optionsOf(options);
    if (topK !== Infinity) whole("topK", topK, 1);
    const parts = await this.each(images, signal, ({ pixels, count }) =>
      this.use((run, engine) => engine.invoke(run, "classify", [pixels, count])),
    );
    const all = joined(parts);
    const { length } = this.classNames;
    return Array.from({ length: all.length / length }, (_, place) =>
      ranked(this.classNames, all.subarray(place * length, (place + 1) * length)).slice(0, topK),
    );
  }
}
