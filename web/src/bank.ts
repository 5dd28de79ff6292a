/** Embeddings on the device, to be searched again and again. */
import type { Found } from "./wire.js";
import { Embeddings, rowsOf } from "./embeddings.js";
import type { Encoder } from "./encoder.js";
import { Handle, leaseRunning } from "./engine.js";
import { unlessAborted } from "./errors.js";
import { whole } from "./setting.js";
import type { DeviceReport, EngineOptions } from "./types.js";

export class Bank {
  readonly size: number;
  readonly dim: number;
  readonly #handle: Handle;

  private constructor(handle: Handle, { count, dim }: Embeddings) {
    this.#handle = handle;
    this.size = count;
    this.dim = dim;
  }

  /**
   * Uploads embeddings; they are compared by cosine. Computes where `encoder` does, or else on what
   * runs already, or else on the CPU. Errors: those of an engine; `TOO_FEW_EXAMPLES` without rows.
   */
  static async create(
    embeddings: Embeddings,
    options: EngineOptions & { readonly encoder?: Encoder } = {},
  ): Promise<Bank> {
    const lease = options.encoder?.lease.again() ?? (await leaseRunning(options));
    const { data, dim } = embeddings;
    const handle = new Handle(lease, () => lease.call("bankNew", [data, dim]));
    try {
      await unlessAborted(
        handle.use(async () => {}),
        options.signal,
      );
    } catch (error) {
      await handle.dispose();
      throw error;
    }
    return new Bank(handle, embeddings);
  }

  /** What computes, and why. */
  get device(): DeviceReport {
    return this.#handle.lease.report;
  }

  /**
   * The `k` nearest of each query, nearest first, exact; places and cosines, `[queries, k]`. More
   * than there are means all.
   */
  async nearest(
    queries: Embeddings | Float32Array,
    { k = 10, signal }: { k?: number; signal?: AbortSignal } = {},
  ): Promise<Found> {
    const { data } = rowsOf(queries, this.dim);
    whole("k", k, 1);
    const { lease } = this.#handle;
    return unlessAborted(
      this.#handle.use((handle) => lease.call("bankNearest", [handle, data, k])),
      signal,
    );
  }

  /** Frees what it holds. */
  async dispose(): Promise<void> {
    await this.#handle.dispose();
  }
}
