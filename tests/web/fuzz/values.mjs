// What files can hold, drawn at random.
import fc from "fast-check";

/** Texts of any characters, and words that mean something to JavaScript. */
export const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("__proto__", "constructor", "length", "\ufeffmark", 'a "quoted", one\r\n', "0"),
);

/** Objects as readers make them. */
const record = (parts) => fc.record(parts, { noNullPrototype: true });
const number = fc.float({ noNaN: true, noDefaultInfinity: true });
const numbers = (count) =>
  fc.array(number, { minLength: count, maxLength: count }).map((all) => Float32Array.from(all));
const fingerprint = fc.option(texts, { nil: undefined });
const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(NaN));

/** Rows for an index, with ids and labels. */
export const rows = record({ dim: fc.integer({ min: 1, max: 5 }), count: fc.nat(6) }).chain(
  ({ dim, count }) =>
    record({
      dim: fc.constant(dim),
      metric: fc.constantFrom("cosine", "l2"),
      numbers: numbers(dim * count),
      ids: fc.uniqueArray(texts, { minLength: count, maxLength: count }),
      labels: fc.array(fc.option(texts), { minLength: count, maxLength: count }),
      fingerprint,
    }),
);

/** Weights of a probe, with its labels and a report. */
export const weights = record({
  dim: fc.integer({ min: 1, max: 4 }),
  count: fc.integer({ min: 1, max: 4 }),
}).chain(({ dim, count }) => {
  const labels = fc.array(texts, { minLength: count, maxLength: count });
  const places = fc.array(fc.nat(99), { maxLength: 3 });
  const of = record({ label: texts, accuracy: share, count: fc.nat(99) });
  const counts = fc.array(fc.nat(99), { minLength: count ** 2, maxLength: count ** 2 });
  const confusion = record({ labels, counts: counts.map((all) => Uint32Array.from(all)) });
  return record({
    labels,
    weight: numbers(dim * count),
    bias: numbers(count),
    report: record({
      accuracy: share,
      measuredOn: fc.constantFrom("training", "validation"),
      perClass: fc.array(of, { minLength: count, maxLength: count }),
      confusion,
      misclassified: places,
      validation: places,
    }),
    fingerprint,
  });
});

/** What a person said of a picture. */
export const marks = record({
  name: texts,
  label: fc.option(texts),
  unknown: fc.boolean(),
  aside: fc.boolean(),
});

/** Losses of a run, step by step. */
export const losses = fc.array(number, { maxLength: 80 });
