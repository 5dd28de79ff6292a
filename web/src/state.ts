/** The state of a run, with a note about its pictures, so that it goes on with the same ones only. */
import { KithError } from "./errors.js";
import type { SavedLosses } from "./loss-history.js";
import type { TrainingData } from "./training-data.js";
import { joinedUnder, split } from "./safetensors.js";
import { describe } from "./describe.js";

/** The metadata key beside the core's own. */
const KEY = "kith-web";

/** The key of the losses so far. */
const LOSSES = "kith-web losses";

/** What a run learns from, in short. */
interface Source {
  readonly pictures: number;
  readonly labelled: number;
  /** Hash of the labels. */
  readonly labelling: string;
  /** Hash of the domains; earlier versions had none. */
  readonly domains?: string;
}

/** @internal */
export const sourceOf = ({ count, labels, labelsHash, domainsHash }: TrainingData): Source => ({
  pictures: count,
  labelled: labels.length,
  labelling: labelsHash,
  domains: domainsHash,
});

/** Metadata with the notes of a run. */
export const withNotes = (metadata: object, source: object, losses: SavedLosses): object => ({
  ...metadata,
  [KEY]: JSON.stringify(source),
  [LOSSES]: JSON.stringify(losses),
});

/** A state with the note in its header. */
export function withNote(
  state: Uint8Array,
  trainingData: TrainingData,
  losses: SavedLosses,
): Uint8Array<ArrayBuffer> {
  const { header, data } = split(state);
  const metadata = withNotes(header.__metadata__ as object, sourceOf(trainingData), losses);
  return joinedUnder({ ...header, __metadata__: metadata }, [data]);
}

/** The note in a state; `undefined` if an earlier kith-web wrote it. */
const sourceIn = (state: Uint8Array): Source | undefined => noteIn<Source>(state, KEY, () => {});

/** The losses of a state's run; `undefined` if an earlier kith-web wrote it. */
export const lossesIn = (state: Uint8Array): SavedLosses | undefined =>
  noteIn<SavedLosses>(state, LOSSES, ({ first, epochs, sum, counted }) => {
    if ([...first, ...epochs, sum, counted].every(Number.isFinite)) return;
    throw new TypeError("expected losses, got no numbers");
  });

function noteIn<T>(state: Uint8Array, key: string, check: (note: T) => void): T | undefined {
  try {
    const { [key]: said } = split(state).header.__metadata__ as Record<string, string>;
    if (said === undefined) return undefined;
    const note = JSON.parse(said) as T;
    check(note);
    return note;
  } catch (cause) {
    const message = `the state's note cannot be read: ${describe(cause)}`;
    throw new KithError("CHECKPOINT_FORMAT", message, { cause });
  }
}

/**
 * Refuses to go on with other pictures or labels than the state was taken with; what is a state is
 * known before. Errors: `OTHER_RUN`, saying what is different.
 */
export function sameSource(state: Uint8Array, trainingData: TrainingData, classes: number): void {
  const now = sourceOf(trainingData);
  const then = sourceIn(state) ?? now;
  const differs = (what: string, before: number, now: number): void => {
    if (before === now) return;
    throw new KithError("OTHER_RUN", `the run began with ${before} ${what}, now there are ${now}`);
  };
  differs("pictures", then.pictures, now.pictures);
  differs("classes", classes, trainingData.classNames.length);
  differs("labelled pictures", then.labelled, now.labelled);
  const { domains = now.domains } = then;
  const other =
    then.labelling !== now.labelling ? "labels" : domains !== now.domains ? "domains" : undefined;
  if (other === undefined) return;
  throw new KithError("OTHER_RUN", `the run began with other ${other} of these pictures`);
}
