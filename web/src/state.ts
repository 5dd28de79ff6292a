/** The state of a run, with a word on what it learns from, so that it goes on with that alone. */
import { KithError } from "./errors.js";
import type { Material } from "./material.js";
import { headed, split } from "./safetensors.js";
import { shown } from "./shown.js";

/** The metadata key beside the core's own. */
const KEY = "kith-web";

/** What a run learns from, in short. */
interface Source {
  readonly pictures: number;
  readonly labelled: number;
  readonly labelling: string;
}

const sourceOf = ({ count, labels, labelling }: Material): Source => ({
  pictures: count,
  labelled: labels.length,
  labelling,
});

/** A state with a word on its pictures and labels in its header. */
export function noted(state: Uint8Array, material: Material): Uint8Array<ArrayBuffer> {
  const { header, data } = split(state);
  const metadata = {
    ...(header.__metadata__ as object),
    [KEY]: JSON.stringify(sourceOf(material)),
  };
  const all = headed({ ...header, __metadata__: metadata }, data.length);
  all.set(data, all.length - data.length);
  return all;
}

/** What a state says that it was taken with; nothing, if an earlier kith-web wrote it. */
function sourceIn(state: Uint8Array): Source | undefined {
  try {
    const { [KEY]: said } = split(state).header.__metadata__ as Record<string, string>;
    return said === undefined ? undefined : (JSON.parse(said) as Source);
  } catch (cause) {
    const message = `the state's word on its pictures cannot be read: ${shown(cause)}`;
    throw new KithError("CHECKPOINT_FORMAT", message, { cause });
  }
}

/**
 * Refuses to go on with other pictures or labels than the state was taken with; what is a state is
 * known before. Errors: `OTHER_RUN`, saying what is different.
 */
export function sameSource(state: Uint8Array, material: Material, classes: number): void {
  const now = sourceOf(material);
  const then = sourceIn(state) ?? now;
  const differs = (what: string, before: number, now: number): void => {
    if (before === now) return;
    throw new KithError("OTHER_RUN", `the run began with ${before} ${what}, now there are ${now}`);
  };
  differs("pictures", then.pictures, now.pictures);
  differs("classes", classes, material.classNames.length);
  differs("labelled pictures", then.labelled, now.labelled);
  if (then.labelling === now.labelling) return;
  throw new KithError("OTHER_RUN", "the run began with other labels of these pictures");
}
