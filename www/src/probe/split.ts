/** Which labels a probe is given: so many of each class, drawn by a seed; and what it is tested on. */
import type { AppState } from "../app-state.js";
import type { Picture } from "../picture.js";

export interface Split {
  readonly labelled: readonly Picture[];
  /** Pictures with labels that are kept aside; none where the probe has to keep some aside itself. */
  readonly test: readonly Picture[];
}

/** The gallery's categories: tested on emoji that the network never saw while it learnt. */
export function gallerySplit(
  { gallery, trained }: AppState,
  perClass: number,
  seed: number,
): Split {
  const heldOut = new Set(trained.metadata!.heldOut);
  const test = gallery.filter((_, number) => heldOut.has(number));
  const pool = gallery.filter((_, number) => !heldOut.has(number));
  const classes = [...new Set(pool.map(({ label }) => label))];
  const labelled = classes.flatMap((label) =>
    sample(
      pool.filter((picture) => picture.label === label),
      perClass,
      seed,
    ),
  );
  return { labelled, test };
}

/** The visitor's pictures that have a class. */
export function userSplit({ userPictures, network }: AppState): Split {
  return {
    labelled: userPictures.filter(
      (picture) => picture.label !== null && network.hasEmbedding(picture),
    ),
    test: [],
  };
}

/** Some of the pictures: fewer are among more, so that a slider adds and takes away. */
function sample(pictures: readonly Picture[], count: number, seed: number): Picture[] {
  const golden = 0.618034;
  const key = (index: number): number => ((index + 1) * golden * (seed + 1)) % 1;
  const order = pictures.map((_, index) => index).sort((a, b) => key(a) - key(b));
  return order.slice(0, count).map((index) => pictures[index]!);
}
