/** A run that begins with the encoder of the open network. */
import type { ByteSource, EncoderInfo, ImportOptions } from "kith-web";
import type { AppState } from "../app-state.js";
import type { Origin } from "./run.js";

/** The network that a run begins with. */
export interface Start {
  readonly from: ByteSource;
  /** What is told of its file, where it is not kith's. */
  readonly told: ImportOptions | undefined;
  /** Side of the pictures in pixels. */
  readonly side: number;
  readonly origin: Origin;
}

/** The open network as the start of a run; loads it if it is not there. */
export async function startOf(app: AppState, load: () => Promise<void>): Promise<Start> {
  if (!app.encoder) await load();
  const { info } = app.encoder!;
  const origin = { title: app.network.title, side: info.imageSize };
  return { from: app.checkpointFile, told: app.told, side: sideFor(info), origin };
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
