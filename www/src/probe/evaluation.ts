/** Compares predicted labels with the true ones, class by class. */

export interface Evaluation {
  readonly labels: readonly string[];
  readonly accuracy: number;
  readonly perClass: readonly {
    readonly label: string;
    readonly accuracy: number;
    readonly count: number;
  }[];
  /** Indices of the pictures of class `truth` that were predicted as `predicted`. */
  at(truth: string, predicted: string): readonly number[];
}

/** Evaluates predictions; both lists have one label per picture. */
export function evaluate(truth: readonly string[], predictions: readonly string[]): Evaluation {
  const labels = [...new Set([...truth, ...predictions])].sort();
  const cells = new Map<string, number[]>();
  const key = (truth: string, predicted: string): string => JSON.stringify([truth, predicted]);
  truth.forEach((truth, index) => {
    const cell = key(truth, predictions[index]!);
    cells.set(cell, [...(cells.get(cell) ?? []), index]);
  });
  const at = (truth: string, predicted: string): readonly number[] =>
    cells.get(key(truth, predicted)) ?? [];
  const right = labels.reduce((sum, label) => sum + at(label, label).length, 0);
  return {
    labels,
    accuracy: truth.length > 0 ? right / truth.length : NaN,
    perClass: labels.map((label) => {
      const count = truth.filter((truth) => truth === label).length;
      return { label, accuracy: count > 0 ? at(label, label).length / count : NaN, count };
    }),
    at,
  };
}
