/** Clean-up of pictures: near-duplicates, outliers, doubtful labels and classes that blend. */
import { joined } from "./embeddings.js";
import { KithError, throwIfAborted, unlessAborted } from "./errors.js";
import { ProgressReporter } from "./progress.js";
import { optionsOf } from "./checks.js";
import { classesOf } from "./labels.js";
import type { Encoder } from "./encoder.js";
import type { CallOptions, CleanUp, ImageInput } from "./types.js";
import { ENGINE, MODULE } from "./wasm-module.js";

export interface CleanUpOptions extends CallOptions {
  /** A label a picture, null where there is none; without any, labels are not judged. */
  readonly labels?: readonly (string | null)[];
}

/**
 * What may be wrong with pictures, by an encoder that knows such pictures: the same as the native `kith
 * clean` finds, but for recompressed copies, which it makes besides. Errors: those of `embed`;
 * `DIM_MISMATCH` for another number of labels; `TOO_FEW_EXAMPLES` below 2 pictures; `ABORTED`.
 */
export async function cleanUp(
  encoder: Encoder,
  images: readonly ImageInput[],
  options: CleanUpOptions = {},
): Promise<CleanUp> {
  const { labels, signal, onProgress } = optionsOf(options);
  const { names, places } = classesOf(labels ?? images.map(() => null), "allowed");
  if (places.length !== images.length) {
    const message = `expected ${images.length} labels, one a picture, got ${places.length}`;
    throw new KithError("DIM_MISMATCH", message);
  }
  if (images.length < 2) {
    const message = `expected at least 2 pictures to compare, got ${images.length}`;
    throw new KithError("TOO_FEW_EXAMPLES", message);
  }
  const { engine } = encoder;
  const kinds = await engine.invokeAgain(MODULE, "copyKinds", []);
  const copied = await engine.invokeAgain(MODULE, "copiedPictures", [images.length]);
  const progress = new ProgressReporter(onProgress, { embed: 1 });
  const total = images.length + kinds.length * copied.length;
  let done = 0;
  const counted = (count: number): CallOptions => {
    const before = done;
    done += count;
    const tell = ({ loaded }: { loaded: number }): void =>
      progress.at("embed", before + loaded, total);
    return { onProgress: tell, ...(signal && { signal }) };
  };
  const rows = await encoder.embed(images, { ...counted(images.length), normalize: false });
  const some = Array.from(copied, (place) => images[place]!);
  const copies: Float32Array[] = [];
  for (const kind of kinds.keys()) {
    copies.push((await encoder.embedCopies(some, kind, counted(some.length))).data);
  }
  throwIfAborted(signal);
  const given = [rows.data, Int32Array.from(places), copied, joined(copies)] as const;
  const found = await unlessAborted(engine.invokeAgain(ENGINE, "cleanUp", [...given]), signal);
  const name = (place: number): string => names[place]!;
  const byLikeness = [...found.groups].sort((a, b) => nearest(a) - nearest(b));
  return {
    nearDuplicates: {
      groups: byLikeness.map(({ kept, others }) => ({
        kept,
        others: others.map(({ picture, cosine }) => ({ picture, cosine })),
      })),
      threshold: found.threshold ?? null,
      copiesFound: Object.fromEntries(kinds.map((kind, at) => [kind, found.copiesFound[at]!])),
    },
    outliers: found.outliers,
    labels: found.labels
      ? {
          doubts: found.labels.doubts.map(({ suggested, beside, ...doubt }) => ({
            ...doubt,
            label: name(places[doubt.picture]!),
            suggested: name(suggested),
            beside: beside ?? null,
          })),
          blends: found.labels.blends.map(({ classes, counts, share }) => ({
            labels: [name(classes[0]), name(classes[1])] as const,
            counts,
            share,
          })),
          judged: found.labels.judged,
          small: found.labels.small.map(name),
        }
      : null,
  };
}

const nearest = ({ others }: { others: readonly { relative: number }[] }): number =>
  others[0]?.relative ?? 0;
