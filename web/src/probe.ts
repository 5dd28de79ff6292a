/** A linear classifier on embeddings: used at once, saved in one file. */
import { savedBytes } from "./bytes.js";
import { rowsOf, sameEncoder, type Embeddings } from "./embeddings.js";
import { Encoder, ranked } from "./encoder.js";
import { KithError } from "./errors.js";
import type { ProbeWeights } from "./generated.js";
import { dot } from "./nearest.js";
import { readReport, savedReport, words, type SavedReport } from "./probe-report.js";
import { File, opened, written } from "./safetensors.js";
import {
  attached,
  finite,
  flag,
  instance,
  list,
  oneOf,
  optionsOf,
  text,
  whole,
  wrong,
} from "./checks.js";
import type { ByteSource, ClassShare, ProbeReport } from "./types.js";

interface Settings {
  readonly labels: readonly string[];
  readonly encoderFingerprint: string | null;
  readonly report: SavedReport;
}

type Json = Settings & {
  readonly kind?: string;
  readonly version?: number;
  readonly weight: number[];
  readonly bias: number[];
};

/** A linear classifier of embeddings, `[labels, dim]`: what `trainLinearProbe` gives. */
export class LinearProbe {
  /** Class names, sorted; `weight`'s rows. */
  readonly labels: readonly string[];
  /** Numbers an embedding. */
  readonly dim: number;
  /** `[labels, dim]`, as PyTorch has them. */
  readonly weight: Float32Array;
  /** One a label. */
  readonly bias: Float32Array;
  /** How well it does, and on what that was measured. */
  readonly report: ProbeReport;
  /** Of the encoder whose embeddings it was trained on, if it is known. */
  readonly encoderFingerprint: string | undefined;

  /** Errors: `SETTING` for labels, numbers or a report that do not make a probe. */
  constructor(
    labels: readonly string[],
    weights: ProbeWeights,
    report: ProbeReport,
    encoderFingerprint?: string,
  ) {
    this.labels = words("label", labels);
    const { weight, bias } = checked(this.labels.length, weights);
    this.dim = weight.length / labels.length;
    this.weight = weight;
    this.bias = bias;
    list("report.confusion.labels", report?.confusion?.labels);
    this.report = report;
    this.encoderFingerprint =
      encoderFingerprint === undefined ? undefined : text("encoderFingerprint", encoderFingerprint);
  }

  /**
   * What it takes pictures for, most likely first. Errors: `DIM_MISMATCH`; `ENCODER_MISMATCH` for
   * embeddings of another encoder; `SETTING` for numbers that are none.
   */
  predict(embeddings: Embeddings | Float32Array, options: { topK?: number } = {}): ClassShare[][] {
    const { topK = Infinity } = optionsOf(options);
    if (topK !== Infinity) whole("topK", topK, 1);
    const rows = this.#rows(embeddings);
    return Array.from({ length: rows.count }, (_, place) =>
      ranked(this.labels, shares(this, rows.row(place))).slice(0, topK),
    );
  }

  /** Probabilities of `labels`, `[count, labels]`. Errors: as `predict`. */
  probabilities(embeddings: Embeddings): Float32Array {
    const rows = this.#rows(embeddings);
    const all = new Float32Array(rows.count * this.labels.length);
    for (let place = 0; place < rows.count; place += 1) {
      all.set(shares(this, rows.row(place)), place * this.labels.length);
    }
    return all;
  }

  /** The class numbers that it takes pictures for. Errors: as `predict`. */
  predictClasses(embeddings: Embeddings): number[] {
    return mostLikely(this, this.#rows(embeddings));
  }

  /**
   * One file. `safetensors` (default): `probe.weight` and `probe.bias` in PyTorch's layout, labels
   * in its metadata. `json`: the same for people and other languages. Errors: `FILE_FORMAT` for more
   * than `load` could open.
   */
  save(format: "safetensors" | "json" = "safetensors"): Blob {
    oneOf("format", format, ["safetensors", "json"]);
    if (format === "safetensors") return new Blob([this.toFile().toBytes()]);
    const { weight, bias } = this;
    const all = { kind: "probe", version: 1, ...this.#settings() };
    const json = written("probe", () =>
      JSON.stringify({ ...all, weight: [...weight], bias: [...bias] }),
    );
    return new Blob([json], { type: "application/json" });
  }

  /** Rows that it can take. */
  #rows(embeddings: Embeddings | Float32Array): Embeddings {
    this.#check();
    const rows = rowsOf(embeddings, this.dim);
    sameEncoder("the probe", this.encoderFingerprint, rows);
    finite("the embeddings", rows.data, this.dim);
    return rows;
  }

  /** Whoever transfers its numbers to another thread leaves a probe of none. */
  #check(): void {
    attached("the probe's weights", this.weight, this.labels.length * this.dim);
    attached("the probe's biases", this.bias, this.labels.length);
  }

  #settings(): Settings {
    this.#check();
    const { labels, encoderFingerprint = null } = this;
    return { labels, encoderFingerprint, report: savedReport(this.report) };
  }

  /** @internal */
  toFile(): File {
    const { weight, bias, labels, dim } = this;
    return new File("probe", this.#settings(), {
      "probe.weight": { shape: [labels.length, dim], values: weight },
      "probe.bias": { shape: [labels.length], values: bias },
    });
  }

  /**
   * Opens a saved probe of either format. Errors: `FILE_FORMAT`; `CHECKPOINT_HTTP` where the source
   * cannot be read; with an `encoder`, `ENCODER_MISMATCH` and `DIM_MISMATCH` if it is of another one,
   * unless `force`.
   */
  static async load(
    source: ByteSource,
    options: { encoder?: Encoder; force?: boolean } = {},
  ): Promise<LinearProbe> {
    const { encoder, force = false } = optionsOf(options);
    if (encoder !== undefined) instance("encoder", encoder, [Encoder, "an Encoder"]);
    flag("force", force);
    const bytes = await savedBytes(source);
    const probe =
      bytes[0] === "{".charCodeAt(0) && bytes[8] !== "{".charCodeAt(0)
        ? this.#fromJson(bytes)
        : this.fromFile(File.fromBytes(bytes, "probe"));
    if (!encoder) return probe;
    if (probe.dim !== encoder.info.dim) {
      const message = `the probe wants ${probe.dim} numbers, the encoder gives ${encoder.info.dim}`;
      throw new KithError("DIM_MISMATCH", message);
    }
    const { fingerprint } = encoder.info;
    if (probe.encoderFingerprint === undefined || probe.encoderFingerprint === fingerprint) {
      return probe;
    }
    if (force) return new LinearProbe(probe.labels, probe, probe.report, fingerprint);
    const message = `the probe is of encoder ${probe.encoderFingerprint}, this one is ${fingerprint}`;
    throw new KithError("ENCODER_MISMATCH", message);
  }

  /** @internal */
  static fromFile(file: File): LinearProbe {
    return opened("probe", () => {
      const settings = file.settings as Settings;
      const classes = settings.labels.length;
      const dim = file.arrays["probe.weight"]?.shape[1];
      const weight = file.floats("probe.weight", [classes, dim]);
      const bias = file.floats("probe.bias", [classes]);
      return this.#from(settings, { weight, bias });
    });
  }

  static #fromJson(bytes: Uint8Array): LinearProbe {
    return opened("probe", () => {
      const read = JSON.parse(new TextDecoder().decode(bytes)) as Json;
      const numbers = (name: "weight" | "bias"): Float32Array => {
        const all = list(name, read[name]);
        const odd = all.find((x) => typeof x !== "number");
        if (odd !== undefined) throw wrong(name, odd, "numbers");
        return new Float32Array(all);
      };
      if (read.kind !== "probe" || read.version !== 1) {
        throw wrong("kind and version", `${read.kind} ${read.version}`, "probe 1");
      }
      return this.#from(read, { weight: numbers("weight"), bias: numbers("bias") });
    });
  }

  static #from(settings: Settings, weights: ProbeWeights): LinearProbe {
    const { labels, report, encoderFingerprint } = settings;
    return new LinearProbe(labels, weights, readReport(report), encoderFingerprint ?? undefined);
  }
}

/** Weights that make a probe of so many classes. */
function checked(classes: number, weights: ProbeWeights): ProbeWeights {
  const { weight, bias } = optionsOf(weights);
  for (const [name, values] of Object.entries({ weight, bias })) {
    if (!(values instanceof Float32Array)) throw wrong(name, values, "a Float32Array");
    attached(name, values, values.length);
    finite(name, values, 1);
  }
  if (classes > 0 && bias.length === classes && weight.length > 0) {
    if (weight.length % classes === 0) return weights;
  }
  const expected = `weights of ${classes} classes and a bias for each`;
  throw wrong("weights", `${weight.length} weights and ${bias.length} biases`, expected);
}

/** The classes that weights take rows for. */
export function mostLikely(weights: ProbeWeights, rows: Embeddings): number[] {
  return Array.from({ length: rows.count }, (_, place) => {
    const all = shares(weights, rows.row(place));
    return all.indexOf(all.reduce((a, b) => Math.max(a, b)));
  });
}

/** Softmax of the logits. */
function shares({ weight, bias }: ProbeWeights, row: Float32Array): Float32Array {
  const logits = bias.map((bias, label) => bias + dot(weight, label * row.length, row));
  const highest = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
