/** A linear classifier on embeddings: used at once, saved in one file. */
import { bytesFrom } from "./bytes.js";
import { rowsOf, sameEncoder, type Embeddings } from "./embeddings.js";
import { ranked, type Encoder } from "./encoder.js";
import { KithError } from "./errors.js";
import { File, opened, textOf } from "./safetensors.js";
import { finite } from "./setting.js";
import type { ByteSource, ProbeReport } from "./types.js";

interface Settings {
  readonly labels: readonly string[];
  readonly encoderFingerprint: string | null;
  readonly report: SavedReport;
}

type SavedReport = Omit<ProbeReport, "confusion"> & {
  readonly confusion: { readonly labels: readonly string[]; readonly counts: readonly number[] };
};

type Json = Settings & {
  readonly kind?: string;
  readonly version?: number;
  readonly weight: number[];
  readonly bias: number[];
};

/** Weights as a file has them: PyTorch's layout. */
export interface ProbeWeights {
  /** `[classes, dim]`. */
  readonly weight: Float32Array;
  /** `[classes]`. */
  readonly bias: Float32Array;
}

export class LinearProbe {
  /** Class names, sorted; `weight`'s rows. */
  readonly labels: readonly string[];
  /** Numbers an embedding. */
  readonly dim: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly report: ProbeReport;
  /** Of the encoder whose embeddings it was trained on, if it is known. */
  readonly encoderFingerprint: string | undefined;

  constructor(
    labels: readonly string[],
    { weight, bias }: ProbeWeights,
    report: ProbeReport,
    encoderFingerprint?: string,
  ) {
    this.labels = labels;
    this.dim = weight.length / labels.length;
    this.weight = weight;
    this.bias = bias;
    this.report = report;
    this.encoderFingerprint = encoderFingerprint;
  }

  /**
   * What it takes pictures for, most likely first. Errors: `DIM_MISMATCH`; `ENCODER_MISMATCH` for
   * embeddings of another encoder.
   */
  predict(
    embeddings: Embeddings | Float32Array,
    { topK = Infinity }: { topK?: number } = {},
  ): { label: string; probability: number }[][] {
    const rows = rowsOf(embeddings, this.dim);
    sameEncoder("the probe", this.encoderFingerprint, rows);
    return Array.from({ length: rows.count }, (_, place) =>
      ranked(this.labels, this.#shares(rows.row(place))).slice(0, topK),
    );
  }

  /** The class numbers that it takes pictures for. */
  predictClasses(rows: Embeddings): number[] {
    return Array.from({ length: rows.count }, (_, place) => {
      const shares = this.#shares(rows.row(place));
      return shares.indexOf(Math.max(...shares));
    });
  }

  /** Softmax of the logits. */
  #shares(row: Float32Array): Float32Array {
    const logits = Float32Array.from(this.bias, (bias, label) => {
      let sum = bias;
      const start = label * this.dim;
      for (let i = 0; i < row.length; i += 1) sum += this.weight[start + i]! * row[i]!;
      return sum;
    });
    const highest = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - highest));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / total);
  }

  /**
   * One file. `safetensors` (default): `probe.weight` and `probe.bias` in PyTorch's layout, labels
   * in its metadata. `json`: the same for people and other languages.
   */
  save(format: "safetensors" | "json" = "safetensors"): Blob {
    if (format === "safetensors") return new Blob([this.toFile().toBytes()]);
    const { weight, bias } = this;
    const text = {
      kind: "probe",
      version: 1,
      ...this.#settings(),
      weight: [...weight],
      bias: [...bias],
    };
    return new Blob([JSON.stringify(text)], { type: "application/json" });
  }

  #settings(): Settings {
    const { confusion, ...rest } = this.report;
    const counts = { labels: confusion.labels, counts: [...confusion.counts] };
    const report = { ...rest, confusion: counts };
    return { labels: this.labels, encoderFingerprint: this.encoderFingerprint ?? null, report };
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
   * Opens a saved probe of either format. Errors: `FILE_FORMAT`; with an `encoder`,
   * `ENCODER_MISMATCH` and `DIM_MISMATCH` if it is of another one, unless `force`.
   */
  static async load(
    source: ByteSource,
    { encoder, force = false }: { encoder?: Encoder; force?: boolean } = {},
  ): Promise<LinearProbe> {
    const bytes = await bytesFrom(source, { cache: "none" });
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
      const [weight, bias] = [new Float32Array(read.weight), new Float32Array(read.bias)];
      const classes = read.labels.length;
      const sound = read.kind === "probe" && read.version === 1 && bias.length === classes;
      if (!sound || !(weight.length > 0) || weight.length % classes !== 0) {
        throw new KithError("FILE_FORMAT", `expected a saved probe, got ${textOf(read)}`);
      }
      finite("weights", weight, weight.length / classes);
      finite("biases", bias, classes);
      return this.#from(read, { weight, bias });
    });
  }

  static #from(settings: Settings, weights: ProbeWeights): LinearProbe {
    const { labels, report, encoderFingerprint } = settings;
    const { confusion } = report;
    const counts = { labels: confusion.labels, counts: new Uint32Array(confusion.counts) };
    const whole = { ...report, confusion: counts };
    return new LinearProbe(labels, weights, whole, encoderFingerprint ?? undefined);
  }
}
