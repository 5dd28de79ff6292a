/** A run with its pictures as a file: to a terminal, where `kith resume` goes on with it, and back. */
import {
  KithError,
  readRunFile,
  resumePretraining,
  type CallOptions,
  type Pretraining,
  type RunFile,
} from "kith-web";
import type { AppState } from "../app-state.js";
import { el } from "../element.js";
import { download } from "../files.js";
import type { Picture } from "../picture.js";
import { restoredPicture } from "../user-pictures.js";
import { GALLERY, type RunConfig } from "./run.js";
import type { OnStart } from "./setup.js";

/** Saves the run, and says what to do with it. */
export async function takeToTerminal(run: Pretraining): Promise<HTMLElement> {
  const { step, total } = run;
  const name = `run-step-${step}.safetensors`;
  download(name, await run.toFile());
  const left =
    step < total
      ? `It trains the ${total - step} steps that are left, and writes the file anew.`
      : "The run is at its end: the command writes its checkpoint.";
  return el(
    "div",
    {},
    el("p", {}, `The run is saved with its pictures, as ${name}. In a terminal:`),
    el("pre", { tabindex: 0 }, `kith resume ${name}`),
    el("p", {}, `${left} Then “Open a run file”, before the start of a run, brings it back.`),
  );
}

/** The run of a file, where it was saved. */
export async function openedRunFile(
  app: AppState,
  file: File,
  call: CallOptions,
): Promise<Parameters<OnStart>> {
  const opened = readRunFile(new Uint8Array(await file.arrayBuffer()));
  if (opened.kind !== "pretraining") {
    const message = `expected a run of pre-training, got one that is ${opened.kind}`;
    throw new KithError("FILE_FORMAT", message, { hint: "Go on with it by “kith resume”." });
  }
  const { state, images, labels, domains, dataset } = opened;
  const { device } = app;
  const run = await resumePretraining(state, images, {
    ...call,
    device,
    labels,
    ...(domains && { domains }),
    dataset,
  });
  const pictures = await picturesOf(opened, app.gallery);
  return [run, pictures, { config: configOf(run), points: [] }];
}

/** What is shown of the run's pictures: the gallery's own where it learns from them, else those of the file. */
async function picturesOf(
  { images, labels, dataset }: RunFile,
  gallery: readonly Picture[],
): Promise<readonly Picture[]> {
  if (dataset === GALLERY && images.length === gallery.length) return gallery;
  const pictures: Picture[] = [];
  for (const [place, { data, width, height }] of images.entries()) {
    const name = `picture ${place + 1}`;
    const blob = new File([await png(data, width, height)], `${name}.png`, { type: "image/png" });
    pictures.push(restoredPicture(`y-file-${place}`, { name, blob }, labels[place] ?? null));
  }
  return pictures;
}

/** Red, green and blue as a PNG, which loses nothing. */
async function png(data: ArrayLike<number>, width: number, height: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      image.data[4 * at + channel] = data[3 * at + channel]!;
    }
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.convertToBlob();
}

function configOf({ recipeToml, total, plan }: Pretraining): RunConfig {
  const said = (name: string): string =>
    new RegExp(`^${name} = "?([^"\\n]*)"?$`, "m").exec(recipeToml)?.[1] ?? "";
  return {
    recipe: said("name"),
    steps: total,
    batch: Number(said("unlabelled_batch")),
    seed: Number(plan.seed),
  };
}
