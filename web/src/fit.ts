/** Training of a linear probe: a run that can be watched, stopped, or simply awaited. */
import type { EngineRef } from "./engine-ref.js";
import { runningEngine } from "./engine.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import { Embeddings, present } from "./embeddings.js";
import type { ProbeWeights } from "./generated.js";
import { classesOf } from "./labels.js";
import { LinearProbe, mostLikely } from "./probe.js";
import { ProgressReporter } from "./progress.js";
import { RemoteObject } from "./remote-object.js";
import { reportOf } from "./report.js";
import { engineOptions, finite, oneOf, positive, whole, within } from "./checks.js";
import type { EngineOptions, ProbeConfig, ProbeEpoch, ProbeEvent } from "./types.js";
import { ENGINE, MODULE, type FitOptions, type Handle, type WasmProbeFit } from "./wasm-module.js";

/** Epochs that are computed at a time: few calls, and curves that still move. */
const AT_A_TIME = 5;

/** Numbers an epoch, as the backend gives them. */
const MEASURED = 4;

/** A run of training; iterate over it to watch, await `result` to have it. */
export class TrainRun implements AsyncIterable<ProbeEvent> {
  /** The probe, once it is trained or stopped. */
  readonly result: Promise<LinearProbe>;
  readonly #events: ProbeEvent[] = [];
  #wake: (() => void)[] = [];
  #over = false;
  #stopped = false;

  /** @internal Use `trainLinearProbe`. */
  constructor(
    work: (run: { emit(event: ProbeEvent): void; stopped(): boolean }) => Promise<LinearProbe>,
  ) {
    const emit = (event: ProbeEvent): void => {
      this.#events.push(event);
      this.#notify();
    };
    this.result = work({ emit, stopped: () => this.#stopped });
    const finish = (): void => {
      this.#over = true;
      this.#notify();
    };
    this.result.then(finish, finish);
  }

  /** Ends training after the epochs being computed; what was learnt so far is the result. */
  stop(): void {
    this.#stopped = true;
  }

  /** All events from the first on, however late one begins to look. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ProbeEvent, void, void> {
    for (let next = 0; ;) {
      const event = this.#events[next];
      if (event) {
        next += 1;
        yield event;
      } else if (this.#over) {
        await this.result;
        return;
      } else {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    wake.forEach((resolve) => resolve());
  }
}

/**
 * Trains a linear classifier on embeddings, `labels` one a row. Computes on what runs already, or
 * else on the CPU. Errors, from `result` and from iterating: `TOO_FEW_EXAMPLES`, `DIM_MISMATCH`,
 * `SETTING`, `ABORTED`.
 */
export function trainLinearProbe(
  embeddings: Embeddings,
  labels: readonly string[],
  config: ProbeConfig & EngineOptions = {},
): TrainRun {
  return new TrainRun(async ({ emit, stopped }) => {
    engineOptions(config);
    throwIfAborted(config.signal);
    const examples = checkedExamples(embeddings, labels, config);
    const engine = await runningEngine(config);
    const validation = await validationPlaces(engine, examples).catch((error: unknown) => {
      engine.release();
      throw error;
    });
    const task = prepared(examples, validation, config);
    let done = 0;
    const remote = new RemoteObject(engine, () => begun(engine, task, done));
    const progress = new ProgressReporter(config.onProgress, { train: 1 });
    try {
      const epochs = await remote.invoke("epochs", []);
      while (done < epochs && !stopped()) {
        const start = performance.now();
        const some = remote.invoke("advance", [AT_A_TIME]);
        const rows = await unlessAborted(some, config.signal);
        const events = epochsOf(rows, done, (performance.now() - start) / (rows.length / MEASURED));
        events.forEach(emit);
        checkFinite(events);
        done += events.length;
        progress.at("train", done, epochs);
      }
      const weights = await remote.invoke("result", []);
      const probe = task.finish(checkedWeights(weights, done));
      emit({ type: "done", report: probe.report });
      return probe;
    } finally {
      await remote.dispose();
    }
  });
}

/** A fit in the backend. Epochs that were reported before the device was lost are computed again. */
async function begun(
  engine: EngineRef,
  { rows, dim, labels, options }: ReturnType<typeof prepared>,
  done: number,
): Promise<Handle<WasmProbeFit>> {
  const fit = await engine.invoke(ENGINE, "fit", [rows, dim, labels, options]);
  if (done > 0) await engine.invoke(fit, "advance", [done]);
  return fit;
}

function checkFinite(events: readonly ProbeEpoch[]): void {
  const wrong = events.find(({ trainLoss }) => !Number.isFinite(trainLoss));
  if (!wrong) return;
  throw new KithError("DIVERGED", `the loss is ${wrong.trainLoss} at epoch ${wrong.epoch}`);
}

function checkedWeights(weights: ProbeWeights, epoch: number): ProbeWeights {
  if ([weights.weight, weights.bias].every((all) => all.every(Number.isFinite))) return weights;
  throw new KithError("DIVERGED", `the weights are not finite after epoch ${epoch}`);
}

function epochsOf(rows: Float64Array, before: number, ms: number): ProbeEpoch[] {
  return Array.from({ length: rows.length / MEASURED }, (_, place) => {
    const [trainLoss, trainAccuracy, validationLoss, validationAccuracy] = rows.subarray(
      MEASURED * place,
      MEASURED * (place + 1),
    ) as unknown as [number, number, number, number];
    const aside = Number.isNaN(validationLoss) ? {} : { validationLoss, validationAccuracy };
    return { type: "epoch", epoch: before + place + 1, trainLoss, trainAccuracy, ...aside, ms };
  });
}

/** Embeddings of at least two classes, with the class of each, and settings in their range. */
function checkedExamples(
  embeddings: Embeddings,
  given: readonly string[],
  { validationSplit = 0.2, seed = 0 }: ProbeConfig,
) {
  const { data, dim, count, encoderFingerprint } = present(embeddings);
  const { names, places: classes } = classesOf(given);
  if (classes.length !== count) {
    const message = `expected ${count} labels, one a row, got ${classes.length}`;
    throw new KithError("DIM_MISMATCH", message);
  }
  finite("the embeddings", data, dim);
  if (names.length < 2) {
    throw new KithError("TOO_FEW_EXAMPLES", `expected at least 2 classes, got ${names.length}`);
  }
  within("validationSplit", validationSplit, [0, 0.9]);
  whole("seed", seed, 0);
  // A copy: what the caller does with the embeddings meanwhile changes nothing.
  const rows = new Embeddings(data.slice(), dim, embeddings);
  return { rows, dim, names, classes, encoderFingerprint, validationSplit, seed };
}

type Examples = ReturnType<typeof checkedExamples>;

/** Places that are kept aside: the same share of every class, which keeps one to learn from. */
async function validationPlaces(
  engine: EngineRef,
  { classes, validationSplit, seed }: Examples,
): Promise<number[]> {
  const labels = Uint16Array.from(classes);
  return [...(await engine.invoke(MODULE, "keepAside", [labels, validationSplit, seed]))];
}

/** What the backend is given, and how a probe is made of what it gives back. */
function prepared(examples: Examples, validation: number[], config: ProbeConfig) {
  const { dim, names, classes, encoderFingerprint } = examples;
  const aside = new Set(validation);
  const training = classes.map((_, place) => place).filter((place) => !aside.has(place));
  const order = [...training, ...validation];
  const rows = examples.rows.select(order).data;
  const finish = (weights: ProbeWeights): LinearProbe => {
    const places = validation.length > 0 ? validation : training;
    const start = validation.length > 0 ? training.length * dim : 0;
    const measured = rows.subarray(start, start + places.length * dim);
    const predicted = mostLikely(weights, new Embeddings(measured, dim));
    const truth = places.map((place) => classes[place]!);
    const report = reportOf(names, truth, predicted, { places, validation });
    return new LinearProbe(names, weights, report, encoderFingerprint);
  };
  const labels = Uint16Array.from(order, (place) => classes[place]!);
  const sizes = { classes: names.length, training: training.length };
  return { dim, rows, labels, options: { ...sizes, ...optionsOf(config) }, finish };
}

function optionsOf(config: ProbeConfig): Omit<FitOptions, "classes" | "training"> {
  const { epochs, learningRate, lastLearningRate, weightDecay, classWeights = "none" } = config;
  oneOf("classWeights", classWeights, ["none", "balanced"]);
  return {
    ...(epochs !== undefined && { epochs: whole("epochs", epochs, 1) }),
    ...(learningRate !== undefined && { firstRate: positive("learningRate", learningRate) }),
    ...(lastLearningRate !== undefined && {
      lastRate: positive("lastLearningRate", lastLearningRate),
    }),
    ...(weightDecay !== undefined && {
      weightDecay: within("weightDecay", weightDecay, [0, Number.MAX_VALUE]),
    }),
    balanced: classWeights === "balanced",
  };
}
