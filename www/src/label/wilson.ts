/** How far a share that was counted on few pictures can be from the true one. */

/** The normal distribution has 95 % of its mass within so many standard deviations. */
const DEVIATIONS = 1.959964;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The 95 % score interval of a share, `right` of `count`: E. B. Wilson, "Probable inference, the law of
 * succession, and statistical inference", JASA 22 (1927), 209-212. Of none, everything is possible.
 */
export function wilson(right: number, count: number): Interval {
  if (count === 0) return { low: 0, high: 1 };
  const share = right / count;
  const square = DEVIATIONS ** 2 / count;
  const middle = share + square / 2;
  const reach = DEVIATIONS * Math.sqrt((share * (1 - share)) / count + square / (4 * count));
  // Rounding must not put 0 of some above 0, nor all of some below 1.
  const within = (bound: number): number => Math.min(1, Math.max(0, bound / (1 + square)));
  return {
    low: right === 0 ? 0 : within(middle - reach),
    high: right === count ? 1 : within(middle + reach),
  };
}
