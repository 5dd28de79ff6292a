/** Losses of a run by which another run of the same is known. */

/** Losses of single steps that are kept: more than a record takes. */
const KEPT = 64;

/** The history as a state keeps it. */
export interface SavedLosses {
  readonly first: readonly number[];
  readonly epochs: readonly number[];
  readonly sum: number;
  readonly counted: number;
}

export class LossHistory {
  /** Losses of the first steps. */
  readonly first: number[];
  /** Mean losses of the epochs, from the first on. */
  readonly epochs: number[];
  /** Of the running epoch. */
  #sum: number;
  #counted: number;

  constructor(saved?: SavedLosses) {
    this.first = [...(saved?.first ?? [])];
    this.epochs = [...(saved?.epochs ?? [])];
    this.#sum = saved?.sum ?? 0;
    this.#counted = saved?.counted ?? 0;
  }

  /** Takes note of a step, counted from 1; what came before it must be known. */
  add(step: number, loss: number, stepsPerEpoch: number): void {
    if (this.first.length === step - 1 && step <= KEPT) this.first.push(loss);
    if (this.epochs.length * stepsPerEpoch + this.#counted !== step - 1) return;
    this.#sum += loss;
    this.#counted += 1;
    if (this.#counted < stepsPerEpoch) return;
    this.epochs.push(this.#sum / stepsPerEpoch);
    this.#sum = this.#counted = 0;
  }

  saved(): SavedLosses {
    const { first, epochs } = this;
    return { first, epochs, sum: this.#sum, counted: this.#counted };
  }
}
