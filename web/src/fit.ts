/** Training of a linear probe: a run that can be watched, stopped, or simply awaited. */
import type { EngineRef } from "./engine-ref.js";
import { runningEngine } from "./engine.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import { Embeddings, present } from "./embeddings.js";
import type { FittedProbe } from "./generated.js";
import { classesOf } from "./labels.js";
import { LinearProbe, mostLikely } from "./probe.js";
import { ProgressReporter } from "./progress.js";
import { RemoteObject } from "./remote-object.js";
import { reportOf } from "./report.js";
import { engineOptions, finite, oneOf, positive, whole, within } from "./checks.js";
import type {
  EngineOptions,
  ProbeConfig,
  ProbeEvent,
  ProbeReport,
  ProbeStrength,
} from "./types.js";
import { ENGINE, MODULE, type FitOptions, type Handle, type WasmProbeFit } from "./wasm-module.js";

/** Strengths of the penalty that the backend tries at most. */
const STRENGTHS = 11;

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

  /** Ends the search after the strength being tried; the best so far makes the probe. */
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
 * Trains a linear classifier on embeddings, `labels` one a row: logistic regression, whose penalty is
 * chosen by cross-validation. Computes on what runs already, or else on the CPU. Errors, from `result` and from iterating: `TOO_FEW_EXAMPLES`, `DIM_MISMATCH`,
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
    const engine = await runningEngine(config, "training");
    const validation = await validationPlaces(engine, examples).catch((error: unknown) => {
      engine.release();
      throw error;
    });
    const task = prepared(examples, validation, config);
    const tried: Tried[] = [];
    const remote = new RemoteObject(engine, () => begun(engine, task, tried.length));
    const progress = new ProgressReporter(config.onProgress, { train: 1 });
    try {
      while (!stopped()) {
        const start = performance.now();
        const numbers = await unlessAborted(remote.invoke("advance", []), config.signal);
        if (numbers.length === 0) break;
        const [strength, loss, accuracy] = numbers as unknown as [number, number, number];
        const event = { type: "strength", strength, loss, accuracy } as const;
        tried.push(event);
        emit({ ...event, ms: performance.now() - start });
        progress.at("train", tried.length, STRENGTHS);
      }
      const fitted = checkedNumbers(
        await unlessAborted(remote.invoke("finish", []), config.signal),
      );
      progress.at("train", STRENGTHS, STRENGTHS);
      const probe = task.finish(fitted, tried);
      emit({ type: "done", report: probe.report });
      return probe;
    } finally {
      await remote.dispose();
    }
  });
}

/** What a strength gave, without how long it took. */
type Tried = Omit<ProbeStrength, "ms">;

/** A fit in the backend. Strengths that were tried before the device was lost are tried again. */
async function begun(
  engine: EngineRef,
  { rows, dim, labels, options }: ReturnType<typeof prepared>,
  done: number,
): Promise<Handle<WasmProbeFit>> {
  const fit = await engine.invoke(ENGINE, "fit", [rows, dim, labels, options]);
  for (let again = 0; again < done; again += 1) await engine.invoke(fit, "advance", []);
  return fit;
}

function checkedNumbers(fitted: FittedProbe): FittedProbe {
  if ([fitted.weight, fitted.bias].every((all) => all.every(Number.isFinite))) return fitted;
  throw new KithError("DIVERGED", "the weights of the probe are not finite");
}

/** Embeddings of at least two classes, with the class of each, and settings in their range. */
function checkedExamples(
  embeddings: Embeddings,
  given: readonly string[],
  { validationSplit = 0, seed = 0 }: ProbeConfig,
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
  return [...(await engine.invokeAgain(MODULE, "keepAside", [labels, validationSplit, seed]))];
}

/** What the backend is given, and how a probe is made of what it gives back. */
function prepared(examples: Examples, validation: number[], config: ProbeConfig) {
  const { dim, names, classes, encoderFingerprint } = examples;
  const aside = new Set(validation);
  const training = classes.map((_, place) => place).filter((place) => !aside.has(place));
  const labels = Uint16Array.from(training, (place) => classes[place]!);
  const finish = (fitted: FittedProbe, tried: readonly Tried[]): LinearProbe => {
    const { places, predicted, measuredOn } = measured(examples, { training, validation }, fitted);
    const truth = places.map((place) => classes[place]!);
    const search = tried.map(({ strength, loss, accuracy }) => ({ strength, loss, accuracy }));
    const report = {
      ...reportOf(names, truth, predicted, { places, validation, measuredOn }),
      strength: fitted.strength,
      tried: search,
    };
    return new LinearProbe(names, fitted, report, encoderFingerprint);
  };
  const options = { classes: names.length, ...fitOptions(config) };
  return { dim, rows: examples.rows.select(training).data, labels, options, finish };
}

/** Which pictures a probe is measured on, and what they are taken for. */
function measured(
  { rows, names }: Examples,
  { training, validation }: { training: readonly number[]; validation: readonly number[] },
  fitted: FittedProbe,
): { places: readonly number[]; predicted: number[]; measuredOn: ProbeReport["measuredOn"] } {
  if (validation.length > 0) {
    const predicted = mostLikely(fitted, rows.select([...validation]));
    return { places: validation, predicted, measuredOn: "validation" };
  }
  const { heldOut } = fitted;
  const judged = training.flatMap((place, row) => {
    const shares = heldOut.subarray(row * names.length, (row + 1) * names.length);
    return Number.isNaN(shares[0]) ? [] : [{ place, best: shares.indexOf(Math.max(...shares)) }];
  });
  if (judged.length > 0) {
    const predicted = judged.map(({ best }) => best);
    return { places: judged.map(({ place }) => place), predicted, measuredOn: "cross-validation" };
  }
  const predicted = mostLikely(fitted, rows.select([...training]));
  return { places: training, predicted, measuredOn: "training" };
}

function fitOptions({ strength, classWeights = "none" }: ProbeConfig): Omit<FitOptions, "classes"> {
  oneOf("classWeights", classWeights, ["none", "balanced"]);
  return {
    ...(strength !== undefined && { strength: positive("strength", strength) }),
    balanced: classWeights === "balanced",
  };
}
