/** Progress of a call made of several phases, whose overall share never falls. */
import { KithError } from "./errors.js";
import { describe } from "./describe.js";
import type { Progress } from "./types.js";

type Phase = Progress["phase"];

/** Reports the phases of one call, each of which stands for a share of it. */
export class ProgressReporter {
  readonly #listener: ((progress: Progress) => void) | undefined;
  readonly #shares: Partial<Record<Phase, number>>;
  #before = 0;
  #phase: Phase | undefined;
  #highest = 0;

  constructor(
    listener: ((progress: Progress) => void) | undefined,
    shares: Partial<Record<Phase, number>>,
  ) {
    this.#listener = listener;
    this.#shares = shares;
  }

  /** `loaded` of `total` bytes or items of a phase. */
  at(
    phase: Phase,
    loaded: number,
    total: number | null,
    more: { file?: string; fromCache?: boolean } = {},
  ): void {
    if (phase !== this.#phase) this.#enter(phase);
    const share = this.#shares[phase] ?? 0;
    const within = total ? Math.min(loaded / total, 1) : 0;
    this.#highest = Math.max(this.#highest, Math.min(this.#before + share * within, 1));
    const { file, fromCache = false } = more;
    const fraction = this.#highest;
    const named = file === undefined ? {} : { file };
    this.#tell({ phase, loaded, total, fraction, fromCache, ...named });
  }

  #tell(progress: Progress): void {
    try {
      this.#listener?.(progress);
    } catch (cause) {
      throw new KithError("SETTING", `onProgress failed: ${describe(cause)}`, { cause });
    }
  }

  /** All phases before it are over, those too that had nothing to do. */
  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#before = 0;
    for (const [earlier, share] of Object.entries(this.#shares)) {
      if (earlier === phase) return;
      this.#before += share;
    }
  }
}
