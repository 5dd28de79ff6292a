/** A run that begins with the encoder of another network: its weights are put into the state before step 1. */
import { KithError, recipes, type ByteSource, type EncoderInfo } from "kith-web";
import type { AppState } from "../app-state.js";
import { headerOf, type Tensor } from "../safetensors.js";
import type { Origin } from "./run.js";

/** The network that a run begins with. */
export interface Start {
  readonly bytes: Uint8Array;
  /** What stands before the names of the encoder's tensors in its file. */
  readonly prefix: string;
  /** Side of its pictures in pixels. */
  readonly side: number;
  /** Its settings, as a recipe has them. */
  readonly encoder: Readonly<Record<string, unknown>>;
  readonly origin: Origin;
}

/** The open network as the start of a run; loads it if it is not there. */
export async function startOf(app: AppState, load: () => Promise<void>): Promise<Start> {
  if (!app.encoder) await load();
  const { info } = app.encoder!;
  const { title } = app.network;
  return {
    bytes: await bytesOf(app.checkpointFile),
    prefix: info.imported ? info.imported.prefix : "encoder.",
    side: sideFor(info),
    encoder: info.encoder ?? { kind: info.arch },
    origin: { title, side: info.imageSize, origin: info.origin ?? null },
  };
}

async function bytesOf(source: ByteSource): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source;
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  const response = await fetch(source as string | URL);
  if (!response.ok) {
    throw new KithError("CHECKPOINT_HTTP", `${String(source)}: HTTP ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Convolutions and a mean over all places, which take pictures of any size. */
const OF_ANY_SIDE: ReadonlySet<string> = new Set([
  "resnet",
  "mobilenet",
  "mobilenet_v3",
  "efficientnet_lite",
]);
/** The side of pictures for these, in pixels: with 224, a step takes minutes and more memory than a tab has. */
const SIDE = 64;

const sideFor = ({ arch, imageSize }: EncoderInfo): number =>
  OF_ANY_SIDE.has(arch) ? Math.min(imageSize, SIDE) : imageSize;

/** The text of a recipe of the package, with the encoder of another network. */
export async function recipeFor(name: string, { encoder }: Start): Promise<string> {
  const { [name]: text = "" } = await recipes();
  const lines = Object.entries(encoder).map(([key, value]) => `${key} = ${toml(value)}\n`);
  return text.replace(/^\[encoder\]\n[^]*?(?=^\[)/m, () => `[encoder]\n${lines.join("")}\n`);
}

/** A value as TOML writes it in a line. */
function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, each]) => `${key} = ${toml(each)}`)
    .join(", ")} }`;
}

/** A run's encoder in a state; a method's teacher begins as a copy of it. */
const ENCODER = /^(teacher\.)?encoder\./;

/** The state of a run that has done no step, with the weights of another encoder. */
export function stateFrom(state: Uint8Array, { bytes, prefix, origin }: Start): Uint8Array {
  const [from, to] = [headerOf(bytes), headerOf(state)];
  const changed = state.slice();
  const view = new DataView(changed.buffer);
  for (const [name, { shape, data_offsets: at }] of Object.entries(to.tensors)) {
    if (!ENCODER.test(name)) continue;
    const wanted = prefix + name.replace(ENCODER, "");
    const values = floats(bytes, from.start, from.tensors[wanted]);
    if (!values || String(from.tensors[wanted]!.shape) !== String(shape)) {
      throw unlike(origin, wanted, shape, from.tensors[wanted]);
    }
    values.forEach((value, i) => view.setFloat32(to.start + at[0] + 4 * i, value, true));
  }
  return changed;
}

function unlike(
  { title }: Origin,
  name: string,
  shape: readonly number[],
  got: Tensor | undefined,
): KithError {
  const has = got ? `${got.dtype} [${got.shape.join(", ")}]` : "no such tensor";
  return new KithError(
    "CHECKPOINT_ARCH",
    `A run cannot begin with “${title}”: expected ${name} with the shape [${shape.join(", ")}] in f32 or f16, got ${has}.`,
    {
      hint: "Begin with fresh weights, or make a checkpoint of the file first, with “kith import FILE --out checkpoint.safetensors”, and open that.",
    },
  );
}

/** The numbers of a tensor in f32 or f16; undefined of others. */
function floats(bytes: Uint8Array, start: number, tensor?: Tensor): Float32Array | undefined {
  if (!tensor || !["F32", "F16"].includes(tensor.dtype)) return undefined;
  const [from, end] = tensor.data_offsets;
  const own = bytes.slice(start + from, start + end).buffer;
  return tensor.dtype === "F32"
    ? new Float32Array(own)
    : Float32Array.from(new Uint16Array(own), halfToNumber);
}

/** IEEE 754's half precision: a sign, five bits of exponent, ten of fraction. */
function halfToNumber(half: number): number {
  const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
