/** The labelled pictures that a probe trains on, and those that test it. */
import type { AppState } from "../app-state.js";
import type { Picture } from "../picture.js";

export interface Split {
  readonly labelled: readonly Picture[];
  /** Labelled pictures to test on; empty if the probe has to hold out some of `labelled` itself. */
  readonly test: readonly Picture[];
}

/**
 * The gallery's categories: `perClass` labels each, drawn by the seed; tested on emoji that the
 * page's network was not trained on. Pictures without an embedding are left out.
 */
export function gallerySplit(
  { gallery, network, trained }: AppState,
  perClass: number,
  seed: number,
): Split {
  const heldOut = new Set(trained.metadata!.heldOut);
  const known = gallery.map((picture) => network.hasEmbedding(picture));
  const test = gallery.filter((_, number) => known[number] && heldOut.has(number));
  const pool = gallery.filter((_, number) => known[number] && !heldOut.has(number));
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

/** The user's pictures that have a class. */
export function userSplit({ userPictures, network }: AppState): Split {
  return {
    labelled: userPictures.filter(
      (picture) => picture.label !== null && network.hasEmbedding(picture),
    ),
    test: [],
  };
}

/**
 * Some of the pictures. A smaller sample is part of a larger one, so that a slider only adds or
 * removes some.
 */
function sample(pictures: readonly Picture[], count: number, seed: number): Picture[] {
  const golden = 0.618034;
  const key = (index: number): number => ((index + 1) * golden * (seed + 1)) % 1;
  const order = pictures.map((_, index) => index).sort((a, b) => key(a) - key(b));
  return order.slice(0, count).map((index) => pictures[index]!);
}
