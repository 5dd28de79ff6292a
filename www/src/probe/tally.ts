/** How guesses meet the truth, class by class. */

export interface Tally {
  readonly labels: readonly string[];
  readonly accuracy: number;
  readonly perClass: readonly {
    readonly label: string;
    readonly accuracy: number;
    readonly count: number;
  }[];
  /** Places of the pictures of one class that were taken for another (or for itself). */
  at(truth: string, guess: string): readonly number[];
}

/** Counts guesses; both lists have a label a picture. */
export function tally(truth: readonly string[], guesses: readonly string[]): Tally {
  const labels = [...new Set([...truth, ...guesses])].sort();
  const cells = new Map<string, number[]>();
  const key = (own: string, guess: string): string => JSON.stringify([own, guess]);
  truth.forEach((own, place) => {
    const cell = key(own, guesses[place]!);
    cells.set(cell, [...(cells.get(cell) ?? []), place]);
  });
  const at = (own: string, guess: string): readonly number[] => cells.get(key(own, guess)) ?? [];
  const right = labels.reduce((sum, label) => sum + at(label, label).length, 0);
  return {
    labels,
    accuracy: truth.length > 0 ? right / truth.length : NaN,
    perClass: labels.map((label) => {
      const count = truth.filter((own) => own === label).length;
      return { label, accuracy: count > 0 ? at(label, label).length / count : NaN, count };
    }),
    at,
  };
}
