/** The labelled pictures that a probe trains on, and those that test it. */
import type { AppState } from "../app-state.js";
import { measures, teaches } from "../label/mark.js";
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

/** Labels that are set aside from which on they are enough to measure on. */
const ENOUGH_ASIDE = 10;

/** The user's pictures that have a class; nobody learns from labels that are set aside. */
export function userSplit({ userPictures, network }: AppState): Split {
  const known = userPictures.filter((picture) => network.hasEmbedding(picture));
  const aside = known.filter(measures);
  return {
    labelled: known.filter(teaches),
    test: aside.length >= ENOUGH_ASIDE ? aside : [],
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
