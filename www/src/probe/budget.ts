/** Which labels a probe is given: so many of each class, drawn by a seed; and what it is tested on. */
import type { Desk } from "../desk.js";
import type { Picture } from "../picture.js";

export interface Material {
  readonly labelled: readonly Picture[];
  /** Pictures with labels that are kept aside; none where the probe has to keep some aside itself. */
  readonly test: readonly Picture[];
}

/** The gallery's categories: tested on emoji that the network never saw while it learnt. */
export function categories({ gallery, trained }: Desk, perClass: number, seed: number): Material {
  const held = new Set(trained.facts!.heldOut);
  const test = gallery.filter((_, number) => held.has(number));
  const pool = gallery.filter((_, number) => !held.has(number));
  const classes = [...new Set(pool.map(({ label }) => label))];
  const labelled = classes.flatMap((label) =>
    drawn(
      pool.filter((picture) => picture.label === label),
      perClass,
      seed,
    ),
  );
  return { labelled, test };
}

/** The visitor's pictures that have a class. */
export function ownClasses({ own, sight }: Desk): Material {
  return {
    labelled: own.filter((picture) => picture.label !== null && sight.knows(picture)),
    test: [],
  };
}

/** Some of the pictures: fewer are among more, so that a slider adds and takes away. */
function drawn(pictures: readonly Picture[], count: number, seed: number): Picture[] {
  const golden = 0.618034;
  const key = (place: number): number => ((place + 1) * golden * (seed + 1)) % 1;
  const order = pictures.map((_, place) => place).sort((a, b) => key(a) - key(b));
  return order.slice(0, count).map((place) => pictures[place]!);
}
