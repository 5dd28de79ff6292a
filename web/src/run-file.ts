/** A run with its pictures in one file: `kith resume` goes on with it in a terminal, and so does another tab. */
import { KithError } from "./errors.js";
import { instance } from "./checks.js";
import type { SavedLosses } from "./loss-history.js";
import { joinedUnder, split } from "./safetensors.js";
import { withNotes, sourceOf } from "./state.js";
import type { TrainingData } from "./training-data.js";
import type { RawImage, RunFile } from "./types.js";

/** The tensor of the pictures, `[n, 3, side, side]`, bytes; the core's name. */
const IMAGES = "images";
const VERSION = 1;

/** The core's note of a state. */
const NOTE = "kith";

/** What belongs to the pictures; the core's names. */
interface RunNote {
  readonly version: number;
  readonly dataset: string;
  readonly class_names: readonly string[];
  /** The class of every picture; null where it has none. */
  readonly classes: readonly (number | null)[];
  /** Domains, where they are known. */
  readonly domain_names?: readonly string[];
  readonly domains?: readonly number[];
  readonly losses: SavedLosses;
  readonly source: object;
}

/** What is said of a run besides its state and pictures. */
interface Said {
  readonly dataset: string;
  readonly losses: SavedLosses;
}

/** The file of a run. Errors: `FILE_FORMAT` for one longer than can be opened. */
export function runFile(
  state: Uint8Array,
  trainingData: TrainingData,
  { dataset, losses }: Said,
): Uint8Array<ArrayBuffer> {
  const { header, data } = split(state);
  const { [NOTE]: core = "{}" } = header.__metadata__ as Record<string, string>;
  const { batches, count, classNames, places, domains } = trainingData;
  const classes = Array.from({ length: count }, (_, at) =>
    (places[at] ?? -1) < 0 ? null : places[at]!,
  );
  const source = sourceOf(trainingData);
  const known = domains.places.length > 0;
  const of = known ? { domain_names: domains.names, domains: domains.places } : {};
  const note = {
    version: VERSION,
    dataset,
    class_names: classNames,
    classes,
    losses,
    source,
    ...of,
  };
  const bytes = batches.reduce((sum, { pixels }) => sum + pixels.length, 0);
  const { side } = (JSON.parse(core) as { plan: { side: number } }).plan;
  const images = {
    dtype: "U8",
    shape: [count, 3, side, side],
    data_offsets: [data.length, data.length + bytes],
  };
  // The core's own words stay as they are: what is put behind them is one more entry.
  const said = `${core.slice(0, -1)},"run_file":${JSON.stringify(note satisfies RunNote)}}`;
  const all = { ...header, __metadata__: { [NOTE]: said }, [IMAGES]: images };
  return sized(() => joinedUnder(all, [data, ...batches.map(({ pixels }) => pixels)]));
}

function sized<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const message = `the run and its pictures do not fit into one file: ${String(cause)}`;
    throw new KithError("FILE_FORMAT", message, { cause, hint: "Save run.state() instead." });
  }
}

/**
 * A run file, as `run.toFile()` and `kith resume` write it, taken apart: pass its `state`, `images` and
 * `labels` to `resumePretraining`, or to `resumeSemiSupervised` where `kind` says so. Errors:
 * `FILE_FORMAT`.
 */
export function readRunFile(bytes: Uint8Array): RunFile {
  instance("the bytes of a run file", bytes, [Uint8Array, "a Uint8Array"]);
  try {
    return taken(bytes);
  } catch (cause) {
    if (cause instanceof KithError) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new KithError("FILE_FORMAT", `the run file is damaged: ${said}`, { cause });
  }
}

function taken(bytes: Uint8Array): RunFile {
  const { header, data } = split(bytes);
  const { __metadata__: metadata, [IMAGES]: images, ...rest } = header;
  const core = (metadata as Record<string, string> | undefined)?.[NOTE];
  const note = core === undefined ? undefined : (JSON.parse(core) as CoreNote);
  if (!note?.run_file || !images) throw noRunFile(note);
  const { plan, counters, stage, run_file: run } = note;
  if (![plan.side, plan.steps, plan.epochs, counters.steps].every(isCount)) {
    throw wrong("its side, steps and epochs: expected whole numbers");
  }
  if (typeof run.dataset !== "string") throw wrong("expected the name of its pictures");
  if (run.version !== VERSION) {
    throw wrong(`expected a run file of version ${VERSION}, got ${run.version}: update kith-web`);
  }
  const pixels = bytesOf(images as Entry, data, plan.side);
  const count = pixels.length / (3 * plan.side ** 2);
  const { classes, class_names, domains: places, domain_names = [] } = run;
  const labels = named("class", { places: classes, names: class_names, count });
  const domains = places && named("domain", { places, names: domain_names, count });
  const notes = withNotes(metadata as Record<string, string>, run.source, run.losses);
  return {
    kind: stage === "semi_supervised" ? "semi-supervised" : "pretraining",
    state: stateOf({ ...rest, __metadata__: notes }, data),
    images: Array.from({ length: count }, (_, at) => interleaved(pixels, at, plan.side)),
    labels,
    ...(domains && { domains }),
    dataset: run.dataset,
    step: counters.steps,
    total: plan.steps * plan.epochs,
  };
}

const isCount = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0;

interface CoreNote {
  readonly stage: string;
  readonly plan: { readonly side: number; readonly steps: number; readonly epochs: number };
  readonly counters: { readonly steps: number };
  readonly run_file?: RunNote;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The pictures' bytes, if they are what the header says. */
function bytesOf(
  { dtype, shape, data_offsets: at }: Entry,
  data: Uint8Array,
  side: number,
): Uint8Array {
  const [start, end] = at;
  const size = shape.reduce((product, each) => product * each, 1);
  const fits = dtype === "U8" && String(shape.slice(1)) === String([3, side, side]);
  if (!fits || !at.every(isCount) || end > data.length || end - start !== size) {
    throw wrong(`its pictures: expected U8 [n, 3, ${side}, ${side}], got ${dtype} [${shape}]`);
  }
  return data.subarray(start, end);
}

const PLURAL = { class: "classes", domain: "domains" } as const;

/** The names of what pictures are of, by their places among the names; null stays. */
function named<P extends number | null>(
  kind: keyof typeof PLURAL,
  { places, names, count }: { places: readonly P[]; names: readonly string[]; count: number },
): (string | Extract<P, null>)[] {
  if (places.length !== count) {
    throw wrong(`expected the ${PLURAL[kind]} of ${count} pictures, got ${places.length}`);
  }
  return places.map((place) => {
    if (place === null) return place as Extract<P, null>;
    const name: unknown = names[place];
    if (typeof name === "string") return name;
    throw wrong(`a picture is of ${kind} ${place}, which has no name`);
  });
}

/** The state alone: tensors that stay, one behind the other. */
function stateOf(header: Record<string, unknown>, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const moved: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      moved[name] = entry;
      continue;
    }
    const { data_offsets: at, ...own } = entry as Entry;
    const fits = at.every(isCount) && at[0] <= at[1] && at[1] <= data.length;
    if (!fits || end + at[1] - at[0] > data.length) {
      throw wrong(`${name} does not lie at [${at}] of ${data.length} bytes`);
    }
    const part = data.subarray(at[0], at[1]);
    moved[name] = { ...own, data_offsets: [end, end + part.length] };
    parts.push(part);
    end += part.length;
  }
  return joinedUnder(moved, parts);
}

/** A picture as `Images` have it. */
function interleaved(pixels: Uint8Array, place: number, side: number): RawImage {
  const plane = side * side;
  const data = new Uint8Array(3 * plane);
  const first = 3 * place * plane;
  for (let at = 0; at < plane; at += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      data[3 * at + channel] = pixels[first + channel * plane + at]!;
    }
  }
  return { data, width: side, height: side, channels: 3 };
}

function noRunFile(note: CoreNote | undefined): KithError {
  const what = note?.counters ? "a state without its pictures" : "no run file";
  const hint = note?.counters
    ? "Pass it to resumePretraining with its pictures."
    : "Save one with run.toFile(), or with the page's “Take it to a terminal”.";
  return new KithError("FILE_FORMAT", `expected a run file, but this is ${what}`, { hint });
}

function wrong(message: string): KithError {
  return new KithError("FILE_FORMAT", message);
}
