/** Pre-training in the tab: the page pulls steps; not to call is to pause. */
import type { Plan } from "./wire.js";
import { Embeddings, joined } from "./embeddings.js";
import { Handle, lease, type Lease } from "./engine.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import type { RunStart } from "./host.js";
import { Progressing } from "./progress.js";
import { squares, type Batch } from "./squares.js";
import type {
  CallOptions,
  DeviceReport,
  EngineOptions,
  Images,
  PretrainConfig,
  PretrainStep,
} from "./types.js";

/** Pictures that are decoded at a time. */
const AT_A_TIME = 64;

/** Pictures of a run, squared: all of them, and those whose class is known. */
interface Material {
  readonly batches: readonly Batch[];
  readonly labelled: Batch;
  readonly labels: Uint16Array;
  readonly classNames: readonly string[];
}

/** Starts a run. Errors: those of an engine, `SETTING`, `TOO_FEW_EXAMPLES`, `IMAGE_DECODE`. */
export async function pretrain(images: Images, config: PretrainConfig = {}): Promise<Pretraining> {
  const engine = await lease(config);
  try {
    const side = config.imageSize ?? 32;
    const material = await gathered(engine, images, side, config);
    const pictures = material.batches.reduce((sum, batch) => sum + batch.count, 0);
    const plan: Plan = {
      side,
      classes: material.classNames.length,
      seed: config.seed ?? 0,
      steps: config.stepsPerEpoch ?? 0,
      epochs: config.epochs ?? 0,
      pictures,
    };
    const toml = await recipeText(engine, config.recipe ?? "quick");
    const changes = changesOf(config, material);
    const start = () => engine.call("pretrainStart", [toml, changes, plan]);
    return await Pretraining.open(engine, material, start, config);
  } catch (error) {
    engine.release();
    throw error;
  }
}

/**
 * Goes on with a run whose `state()` was kept, on the same pictures and labels. Errors: as
 * `pretrain`, and `CHECKPOINT_FORMAT` for bytes that are no state.
 */
export async function resumePretraining(
  state: Uint8Array,
  images: Images,
  config: Omit<PretrainConfig, "recipe" | "set" | "seed" | "stepsPerEpoch" | "epochs"> = {},
): Promise<Pretraining> {
  const engine = await lease(config);
  try {
    const before = await engine.call("pretrainResume", [state]);
    const material = await gathered(engine, images, before.plan.side, config);
    await engine.call("free", [before.handle]);
    const start = () => engine.call("pretrainResume", [state]);
    return await Pretraining.open(engine, material, start, config);
  } catch (error) {
    engine.release();
    throw error;
  }
}

export class Pretraining {
  /** Steps an epoch, epochs, classes, side, seed. */
  readonly plan: Plan;
  /** The recipe, every setting written out. */
  readonly recipeToml: string;
  readonly classNames: readonly string[];
  readonly #handle: Handle;
  readonly #config: PretrainConfig;
  readonly #total: number;
  #steps: number;
  /** Steps done on the computing side, which falls behind when it has to be rebuilt. */
  #there: number;
  #snapshot: { state: Uint8Array; steps: number } | undefined;
  #busy = false;
  #begun: Promise<PretrainStep> | undefined;

  private constructor(
    lease: Lease,
    material: Material,
    [first, start]: [RunStart, () => Promise<RunStart>],
    config: PretrainConfig,
  ) {
    this.plan = first.plan;
    this.recipeToml = first.toml;
    this.classNames = material.classNames;
    this.#total = first.total;
    this.#steps = this.#there = first.steps;
    this.#config = config;
    let opened: RunStart | undefined = first;
    this.#handle = new Handle(lease, async () => {
      const state = this.#snapshot?.state;
      const run = opened ?? (await (state ? lease.call("pretrainResume", [state]) : start()));
      opened = undefined;
      this.#there = run.steps;
      await supply(lease, run.handle, material);
      return run.handle;
    });
  }

  /** @internal Use `pretrain`. */
  static async open(
    lease: Lease,
    material: Material,
    start: () => Promise<RunStart>,
    config: PretrainConfig,
  ): Promise<Pretraining> {
    const run = new Pretraining(lease, material, [await start(), start], config);
    await run.#handle.use(async () => {});
    return run;
  }

  /** What computes, and why. */
  get device(): DeviceReport {
    return this.#handle.lease.report;
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
   * `DIVERGED`, `TOO_FEW_EXAMPLES`, `ABORTED`, `BUSY` while other steps are pulled.
   */
  async *steps(
    n = Infinity,
    { signal, onProgress }: CallOptions = {},
  ): AsyncGenerator<PretrainStep, void, void> {
    if (this.#busy) throw new KithError("BUSY", "steps of this run are being pulled already");
    this.#busy = true;
    const progress = new Progressing(onProgress, { train: 1 });
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
    const { lease } = this.#handle;
    const wanted = this.#steps + 1;
    const measured = await this.#handle.use(async (handle) => {
      let metrics: Record<string, number> = {};
      while (this.#there < wanted) {
        metrics = await lease.call("pretrainStep", [handle]);
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
  async embed(images: Images, { signal }: { signal?: AbortSignal } = {}): Promise<Embeddings> {
    const { lease } = this.#handle;
    const parts: Float32Array[] = [];
    let dim = 1;
    const options = {
      side: this.plan.side,
      batchSize: AT_A_TIME,
      signal,
      fetch: this.#config.fetch,
    };
    for await (const { pixels, count } of squares(lease, images, options)) {
      const work = this.#handle.use((handle) =>
        lease.call("pretrainEmbed", [handle, pixels, count]),
      );
      const data = await unlessAborted(work, signal);
      parts.push(data);
      dim = data.length / count;
    }
    return new Embeddings(joined(parts), dim).normalize();
  }

  /** A checkpoint that `loadEncoder` and the native `kith` open. `half`: half the bytes. */
  async checkpoint({ half = false }: { half?: boolean } = {}): Promise<Uint8Array> {
    const { lease } = this.#handle;
    const dataset = this.#config.dataset ?? "pictures of a browser tab";
    const told = { dataset, classNames: this.classNames, half };
    return this.#handle.use((handle) => lease.call("pretrainCheckpoint", [handle, told]));
  }

  /** Everything that `resumePretraining` needs after a reload, but for the pictures. */
  async state(): Promise<Uint8Array> {
    const { lease } = this.#handle;
    const steps = this.#steps;
    const state = await this.#handle.use((handle) => lease.call("pretrainState", [handle]));
    this.#snapshot = { state, steps };
    return state.slice();
  }

  /** Told after the device was lost and computing goes on; gives what stops that. */
  onDeviceLost(listener: (report: DeviceReport) => void): () => void {
    return this.#handle.lease.onDeviceLost(listener);
  }

  /** Frees what it holds. */
  async dispose(): Promise<void> {
    await this.#handle.dispose();
  }
}

/** Gives a run its pictures. */
async function supply(lease: Lease, handle: number, material: Material): Promise<void> {
  for (const { pixels, count } of material.batches) {
    await lease.call("pretrainAdd", [handle, pixels, count]);
  }
  const { labelled, labels } = material;
  if (labels.length > 0) await lease.call("pretrainAddLabelled", [handle, labelled.pixels, labels]);
  await lease.call("pretrainCheck", [handle]);
}

async function gathered(
  lease: Lease,
  images: Images,
  side: number,
  { labels = [], signal, fetch }: Pick<PretrainConfig, "labels" | "signal" | "fetch">,
): Promise<Material> {
  const batches: Batch[] = [];
  const options = { side, batchSize: AT_A_TIME, signal, fetch };
  for await (const batch of squares(lease, images, options)) batches.push(batch);
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  if (labels.length > 0 && labels.length !== count) {
    throw new KithError(
      "DIM_MISMATCH",
      `expected ${count} labels, one a picture, got ${labels.length}`,
    );
  }
  const classNames = [...new Set(labels.filter((label) => label !== null))].sort();
  const known = labels.flatMap((label, place) => (label === null ? [] : [place]));
  const picture = 3 * side * side;
  const pixels = new Uint8Array(known.length * picture);
  known.forEach((place, to) => {
    const { pixels: from } = batches[Math.floor(place / AT_A_TIME)]!;
    const start = (place % AT_A_TIME) * picture;
    pixels.set(from.subarray(start, start + picture), to * picture);
  });
  const classes = known.map((place) => classNames.indexOf(labels[place]!));
  return {
    batches,
    labelled: { pixels, count: known.length },
    labels: new Uint16Array(classes),
    classNames,
  };
}

/** Changes to the recipe as on the command line; without labels there is no labelled batch. */
function changesOf(config: PretrainConfig, { classNames }: Material): string[] {
  const own = Object.entries(config.set ?? {}).map(([key, value]) => `${key}=${value}`);
  return classNames.length > 1 ? own : [...own, "pretraining.labelled_batch=0"];
}

/** The text of a recipe, given by its name or as such. */
async function recipeText(lease: Lease, recipe: string): Promise<string> {
  const known = await lease.call("recipes", []);
  const found = known.find(({ name }) => name === recipe);
  if (found) return found.toml;
  if (recipe.includes("=")) return recipe;
  const names = known.map(({ name }) => name).join(", ");
  throw new KithError(
    "SETTING",
    `no recipe is called ${recipe}: expected one of ${names}, or a text`,
  );
}

export type { Plan, EngineOptions };
