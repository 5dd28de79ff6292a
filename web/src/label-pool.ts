/** Pictures to label: which to label next, and what their labels say of the others. */
import { joined, present, type Embeddings } from "./embeddings.js";
import { runningEngine } from "./engine.js";
import { KithError, unlessAborted } from "./errors.js";
import { RemoteObject } from "./remote-object.js";
import { engineOptions, finite, list, oneOf, optionsOf, whole } from "./checks.js";
import { classesOf } from "./labels.js";
import type { LinearProbe } from "./probe.js";
import type {
  DeviceReport,
  EngineOptions,
  Proposal,
  ProposeOptions,
  SpreadLabels,
} from "./types.js";
import { ENGINE, type WasmLabelPool } from "./wasm-module.js";

/** Nearest neighbours that each picture is joined with. */
const NEIGHBOURS = 20;

/** Pictures that a probe looks at in one go. */
const AT_A_TIME = 512;

const RULES = ["random", "uncertain", "representative", "different"] as const;

/** Pictures to label: which to label next, and what their labels say of the others. */
export class LabelPool {
  /** How many pictures. */
  readonly size: number;
  readonly #embeddings: Embeddings;
  readonly #remote: RemoteObject<WasmLabelPool>;

  private constructor(remote: RemoteObject<WasmLabelPool>, embeddings: Embeddings) {
    this.#remote = remote;
    this.#embeddings = embeddings;
    this.size = embeddings.count;
  }

  /**
   * Joins each picture with its nearest neighbours, by cosine. Computes on what runs already, or else on the
   * CPU. Errors: those of an engine; `TOO_FEW_EXAMPLES` without rows; `SETTING` for numbers that are none.
   */
  static async create(embeddings: Embeddings, options: EngineOptions = {}): Promise<LabelPool> {
    engineOptions(options);
    const { dim } = present(embeddings);
    finite("the embeddings", embeddings.data, dim);
    // A copy, which is uploaded again after a loss, whatever became of the caller's.
    const own = embeddings.select(Array.from({ length: embeddings.count }, (_, place) => place));
    const engine = await runningEngine(options, "inference");
    const remote = new RemoteObject(engine, () =>
      engine.invoke(ENGINE, "labelPool", [own.data, dim, NEIGHBOURS]),
    );
    try {
      await unlessAborted(remote.ready(), options.signal);
    } catch (error) {
      await remote.dispose();
      throw error;
    }
    return new LabelPool(remote, own);
  }

  /** What computes, and why. */
  get device(): DeviceReport {
    return this.#remote.engine.report;
  }

  /**
   * Pictures to label next, the most wanted first, each with its reason; fewer than `count` where fewer have
   * no label. `labels` are one a picture, `null` for none; pictures in `skip` are not proposed. Errors:
   * `DIM_MISMATCH` for another number of labels; `SETTING`; `TOO_FEW_EXAMPLES` for the rule `uncertain`
   * without a `probe`; `ABORTED`; `DISPOSED`.
   */
  async propose(labels: readonly (string | null)[], options: ProposeOptions): Promise<Proposal[]> {
    const { rule, count = 1, seed = 0, probe, skip = [], signal } = optionsOf(options);
    oneOf("rule", rule, RULES);
    const { labelled } = this.#known(labels);
    const taken = new Set([...labelled, ...list("skip", skip)]);
    const open = labels.flatMap((_, place) => (taken.has(place) ? [] : [place]));
    const wanted = { rule, count: whole("count", count, 1), seed: whole("seed", seed, 0) };
    const shares = rule === "uncertain" && probe ? await this.#sharesBy(probe) : new Float32Array();
    const call = this.#remote.invoke("propose", [
      Uint32Array.from(labelled),
      Uint32Array.from(open),
      shares,
      wanted,
    ]);
    const { proposals } = await unlessAborted(call, signal);
    return proposals.map(({ image, reason }) => ({
      place: image,
      reason:
        reason.kind === "margin"
          ? {
              kind: "margin",
              labels: reason.classes.map((number) => probe!.labels[number]!),
              shares: reason.shares,
            }
          : reason,
    })) as Proposal[];
  }

  /** Probabilities of all pictures, so many at a time that a page goes on drawing. */
  async #sharesBy(probe: LinearProbe): Promise<Float32Array> {
    const parts: Float32Array[] = [];
    for (let from = 0; from < this.size; from += AT_A_TIME) {
      const count = Math.min(AT_A_TIME, this.size - from);
      const some = Array.from({ length: count }, (_, place) => from + place);
      parts.push(probe.probabilities(this.#embeddings.select(some)));
      await new Promise((resolve) => setTimeout(resolve));
    }
    return joined(parts);
  }

  /**
   * Labels of some pictures, spread over all that are joined with them, directly or through others: label
   * propagation. Errors: `DIM_MISMATCH` for another number of labels; `TOO_FEW_EXAMPLES` without labels;
   * `ABORTED`; `DISPOSED`.
   */
  async spread(
    labels: readonly (string | null)[],
    options: { signal?: AbortSignal } = {},
  ): Promise<SpreadLabels> {
    const { signal } = optionsOf(options);
    const { names, places, labelled } = this.#known(labels);
    const own = Uint16Array.from(labelled, (place) => places[place]!);
    const call = this.#remote.invoke("spread", [Uint32Array.from(labelled), own, names.length]);
    const { shares, certainties } = await unlessAborted(call, signal);
    const best = (place: number): string | null => {
      const row = shares.subarray(place * names.length, (place + 1) * names.length);
      const most = row.reduce((a, b) => Math.max(a, b));
      return most > 0 ? names[row.indexOf(most)]! : null;
    };
    return { labels: labels.map((_, place) => best(place)), certainties };
  }

  #known(labels: readonly (string | null)[]) {
    const { names, places } = classesOf(labels, "allowed");
    if (places.length !== this.size) {
      const message = `expected ${this.size} labels, one a picture, got ${places.length}`;
      throw new KithError("DIM_MISMATCH", message);
    }
    return { names, places, labelled: places.flatMap((own, place) => (own < 0 ? [] : [place])) };
  }

  /** Frees what it holds. */
  async dispose(): Promise<void> {
    await this.#remote.dispose();
  }
}
