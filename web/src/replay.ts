/** Runs that are run again from their record, and how far they agree. */
import { openEngine } from "./engine.js";
import { KithError, throwIfAborted } from "./errors.js";
import { gathered } from "./training-data.js";
import { optionsOf, text } from "./checks.js";
import { checkConfig } from "./pretrain-config.js";
import { Pretraining } from "./pretraining.js";
import { ProgressReporter } from "./progress.js";
import { unlessLost } from "./remote-object.js";
import { supply } from "./training-run.js";
import type { EngineRef } from "./engine-ref.js";
import type { Agreement, RunRecord } from "./generated.js";
import type { TrainingData } from "./training-data.js";
import type { CallOptions, Images, PretrainConfig } from "./types.js";
import { ENGINE, MODULE, type Handle, type WasmTraining } from "./wasm-module.js";

/** What a run that is run again may be given: the labels and domains of its pictures, and where it computes. */
export type ReplayConfig = Omit<
  PretrainConfig,
  "recipe" | "set" | "seed" | "imageSize" | "stepsPerEpoch" | "epochs"
>;

/**
 * Starts a recorded run again, on the same pictures in the same order, with the same labels. Errors: those
 * of `pretrain`; `RECORD` for what is no record of a tab's run; `OTHER_RUN` for other pictures or
 * labels.
 */
export async function replay(
  record: string,
  images: Images,
  config: ReplayConfig = {},
): Promise<Replay> {
  text("record", record);
  checkConfig(config);
  const engine = await openEngine(config, "training");
  try {
    const recorded = await checked(engine, record);
    if (recorded.ran_in !== "browser") {
      const message =
        "the run is of the command line, which holds images out to test on: `kith replay` runs it again";
      throw new KithError("RECORD", message, { hint: "Pass a record of a run in a browser." });
    }
    const trainingData = await gathered(engine, images, recorded.plan.side, config);
    const start = () => engine.invoke(ENGINE, "replay", [record]);
    const run = await Pretraining.open(engine, trainingData, start, config);
    try {
      await run.sameImages(record);
    } catch (error) {
      await run.dispose();
      throw error;
    }
    return new Replay(run, recorded, { record, engine, trainingData });
  } catch (error) {
    engine.release();
    throw error;
  }
}

/** What a record says: its recipe, its plan, its losses and its results. Errors: `RECORD`. */
export async function readRecord(record: string, config: ReplayConfig = {}): Promise<RunRecord> {
  text("record", record);
  const engine = await openEngine(config, "inference");
  try {
    return await checked(engine, record);
  } finally {
    engine.release();
  }
}

/** A record, read. */
const checked = async (engine: EngineRef, record: string): Promise<RunRecord> =>
  JSON.parse(await engine.invokeAgain(MODULE, "checkedRecord", [record])) as RunRecord;

type Use<R> = (run: Handle<WasmTraining>) => Promise<R>;

interface Source {
  readonly record: string;
  readonly engine: EngineRef;
  readonly trainingData: TrainingData;
}

/** A recorded run that runs again. */
export class Replay {
  /** The run; whoever pulls its steps runs it. */
  readonly run: Pretraining;
  /** What the record says. */
  readonly recorded: RunRecord;
  readonly #source: Source;

  /** @internal Use `replay`. */
  constructor(run: Pretraining, recorded: RunRecord, source: Source) {
    this.run = run;
    this.recorded = recorded;
    this.#source = source;
  }

  /** Steps after which `agreement` compares everything that it can. */
  get firstSteps(): number {
    return this.recorded.first_losses.length;
  }

  /**
   * How far the losses of the first steps agree, of as many as were run. Where they are not equal to the
   * bit, those steps are run again from weights that begin a few units in the last place away, to learn
   * what rounding does to this run.
   */
  async agreement(options: CallOptions = {}): Promise<Agreement> {
    const { signal, onProgress } = optionsOf(options);
    const { engine } = this.#source;
    const recorded = Float32Array.from(this.recorded.first_losses);
    const here = Float32Array.from(this.run.firstLosses.slice(0, recorded.length));
    const equal = here.every((loss, step) => loss === recorded[step]);
    const repeats = equal ? [] : await this.#repeats(here.length, { signal, onProgress });
    return engine.invokeAgain(MODULE, "compareLosses", [
      recorded,
      here,
      Float32Array.from(repeats),
    ]);
  }

  /** Whether the weights after the last step are the recorded ones to the bit; undefined before it. */
  async weightsEqual(): Promise<boolean | undefined> {
    const { weights } = this.recorded;
    if (weights === undefined || this.run.step < this.run.total) return undefined;
    return weights === (JSON.parse(await this.run.record()) as RunRecord).weights;
  }

  /** Losses of perturbed runs, one run after another. */
  async #repeats(
    steps: number,
    { signal, onProgress }: Pick<CallOptions, "signal" | "onProgress">,
  ): Promise<number[]> {
    const { engine, record, trainingData } = this.#source;
    const runs = await engine.invokeAgain(MODULE, "repeats", []);
    const progress = new ProgressReporter(onProgress, { train: 1 });
    const using = <R>(open: () => Promise<Handle<WasmTraining>>, work: Use<R>): Promise<R> =>
      unlessLost(async () => {
        const run = await open();
        return work(run).finally(() => engine.free(run));
      });
    const begin = () => engine.invoke(ENGINE, "replay", [record]);
    const state = await using(begin, (run) => engine.invoke(run, "state", []));
    const all: number[] = [];
    for (let repeat = 0; repeat < runs; repeat += 1) {
      const moved = await engine.invokeAgain(MODULE, "perturbedState", [state, repeat]);
      const resume = () => engine.invoke(ENGINE, "resumePretraining", [moved]);
      const losses = await using(resume, async (run) => {
        await supply(engine, run, trainingData);
        const losses: number[] = [];
        while (losses.length < steps) {
          throwIfAborted(signal);
          const { loss = NaN } = await engine.invoke(run, "step", []);
          losses.push(loss);
          progress.at("train", all.length + losses.length, runs * steps);
        }
        return losses;
      });
      all.push(...losses);
    }
    return all;
  }
}
