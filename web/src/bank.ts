/** Embeddings on the device, to be searched again and again. */
import { Embeddings, present, rowsOf } from "./embeddings.js";
import { Encoder } from "./encoder.js";
import { runningEngine } from "./engine.js";
import { unlessAborted } from "./errors.js";
import type { Found } from "./generated.js";
import type { Make } from "./near.js";
import { RemoteObject } from "./remote-object.js";
import { engineOptions, finite, instance, optionsOf, whole } from "./checks.js";
import type { DeviceReport, EngineOptions } from "./types.js";
import { ENGINE, type WasmBank } from "./wasm-module.js";

/** Where a bank computes. */
export interface BankOptions extends EngineOptions {
  /** An encoder whose device the bank shares. */
  readonly encoder?: Encoder;
}

/**
 * Embeddings on the device, compared by cosine with any number of queries. On the CPU they take a quarter more
 * memory than their numbers, for which a search takes less time.
 */
export class Bank {
  /** How many embeddings. */
  readonly size: number;
  /** Numbers an embedding. */
  readonly dim: number;
  readonly #remote: RemoteObject<WasmBank>;

  private constructor(remote: RemoteObject<WasmBank>, { count, dim }: Embeddings) {
    this.#remote = remote;
    this.size = count;
    this.dim = dim;
  }

  /**
   * Uploads embeddings; they are compared by cosine. Computes where `encoder` does, or else on what
   * runs already, or else on the CPU. Errors: those of an engine; `TOO_FEW_EXAMPLES` without rows;
   * `SETTING` for numbers that are none.
   */
  static async create(embeddings: Embeddings, options: BankOptions = {}): Promise<Bank> {
    const { encoder } = engineOptions(options);
    if (encoder !== undefined) instance("encoder", encoder, [Encoder, "an Encoder"]);
    const { dim } = present(embeddings);
    finite("the embeddings", embeddings.data, dim);
    // A copy, which is uploaded again after a loss, whatever became of the caller's.
    const data = embeddings.data.slice();
    const engine = encoder?.engine.clone() ?? (await runningEngine(options, "inference"));
    const make: Make<WasmBank> = (invoker) => invoker.invoke(ENGINE, "bank", [data, dim]);
    const remote = new RemoteObject(engine, make, data.byteLength);
    try {
      await unlessAborted(remote.ready(), options.signal);
    } catch (error) {
      await remote.dispose();
      throw error;
    }
    return new Bank(remote, embeddings);
  }

  /** What computes, and why. */
  get device(): DeviceReport {
    return this.#remote.engine.report;
  }

  /**
   * The `k` nearest of each query, nearest first, exact; places and cosines, `[queries, k]`. More
   * than there are means all. Errors: `DIM_MISMATCH`, `SETTING`, `ABORTED`, `DISPOSED`.
   */
  async nearest(
    queries: Embeddings | Float32Array,
    options: { k?: number; signal?: AbortSignal } = {},
  ): Promise<Found> {
    const { k = 10, signal } = optionsOf(options);
    const rows = rowsOf(queries, this.dim);
    finite("the queries", rows.data, this.dim);
    const data = rows.data.slice(); // Of the caller's memory, which may be shared, none is sent.
    const most = Math.min(whole("k", k, 1), this.size);
    return unlessAborted(this.#remote.invoke("nearest", [data, most], rows.count), signal);
  }

  /** Frees what it holds. */
  async dispose(): Promise<void> {
    await this.#remote.dispose();
  }
}
