/** Takes pictures of the user: the network is loaded if it is not there, and computes their embeddings. */
import type { CallOptions } from "kith-web";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import { downloadSize } from "../load-offer.js";
import type { Picture } from "../picture.js";
import { withProgress } from "../progress.js";
import { prefersReducedData } from "../save-data.js";

interface Taking {
  /** Where the progress is shown. */
  readonly status: HTMLElement;
  /** The class of the pictures; else the folder of each is its class. */
  readonly label?: string | null;
  /** What follows with those pictures that could be read. */
  readonly then?: (pictures: readonly Picture[]) => void;
}

/** Adds files and embeds them. */
export function takePictures(
  app: AppState,
  files: readonly File[],
  { status, label = null, then }: Taking,
): void {
  const added = app.addPictures(files, label);
  if (added.length === 0) return status.replaceChildren(noPictures(files.length));
  embedOwn(app, status, async () => {
    const readable = added.filter((picture) => app.userPictures.includes(picture));
    if (readable.length > 0) then?.(readable);
  });
}

/**
 * Embeds the pictures of the user that are new, then does what follows. With a wish to save data, it asks
 * before it downloads the network.
 */
export function embedOwn(
  app: AppState,
  status: HTMLElement,
  then: (call: Required<CallOptions>) => Promise<void>,
): void {
  const work = async (): Promise<void> => {
    await withProgress(status, "Looking at your pictures", async (call) => {
      await app.embedUserPictures(call);
      await then(call);
    });
    const unreadable = app.takeUnreadable();
    if (unreadable.length > 0) status.append(couldNotRead(unreadable));
  };
  if (app.encoder || !prefersReducedData()) return void work();
  status.replaceChildren(question(app, () => void work()));
}

function question(app: AppState, load: () => void): HTMLElement {
  const why =
    "Your browser asks pages to save data. To look at your pictures, this page has to download the network once; they are not sent anywhere.";
  const size = downloadSize(app);
  return el(
    "div",
    { class: "offer" },
    el("p", {}, why),
    button(`Download it (${size})`, load, { class: "main" }),
  );
}

const KINDS = "PNG, JPEG, WebP, GIF, AVIF or BMP";

/** Says that none of some files is a picture. */
export function noPictures(count: number): HTMLElement {
  const which =
    count === 1 ? "This file is no picture" : `None of these ${count} files is a picture`;
  return el(
    "p",
    { class: "warning", role: "alert" },
    `${which} that a browser can read: ${KINDS}.`,
  );
}

/** Says which files are no pictures that this browser can read. */
export function couldNotRead(names: readonly string[]): HTMLElement {
  const words = `This browser could not read ${names.map((name) => `“${name}”`).join(", ")}, so the page left ${names.length === 1 ? "it" : "them"} out. It reads ${KINDS}.`;
  return el("p", { class: "warning", role: "alert" }, words);
}
