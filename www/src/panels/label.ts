/** Label: the program proposes a picture, a person labels it, and both learn how much is known. */
import type { CallOptions } from "kith-web";
import { remember, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, el, megabytes } from "../element.js";
import { galleryWithoutLabels, ownPictures } from "../label/sources.js";
import type { LabelSource, SourceKind } from "../label/sources.js";
import type { View } from "../label/work.js";
import { keptLine, storageTrouble } from "../own/kept-line.js";
import { embedOwn, noPictures } from "../own/take.js";
import { pictureInput } from "../picture-input.js";
import { withProgress } from "../progress.js";

/** Fewest pictures among which there is something to choose. */
const MIN_PICTURES = 2;

export function label(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const place = el("div", {});
  let shown = new AbortController();
  closed.addEventListener("abort", () => shown.abort());
  const show = (kind: SourceKind): void => {
    shown.abort();
    shown = new AbortController();
    place.replaceChildren();
    VIEWS[kind]({ app, place, shown: shown.signal });
  };
  root.replaceChildren(introduction(), sourceChoice(show), place);
  show(chosenSource());
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "The program proposes a picture and says why, you press a key, and a probe learns. A few labels, well chosen, say a lot about all pictures.",
  );
}

function chosenSource(): SourceKind {
  return wordSetting("source", ["own", "gallery", "folder"], "own");
}

function sourceChoice(show: (kind: SourceKind) => void): HTMLElement {
  const chosen = chosenSource();
  const option = (kind: SourceKind, words: string): HTMLElement => {
    const onchange = (): void => {
      remember({ source: kind === "own" ? undefined : kind });
      show(kind);
    };
    const input = { type: "radio", name: "label-source", checked: chosen === kind, onchange };
    return el("label", { class: "check" }, el("input", input), words);
  };
  return el(
    "p",
    { class: "row" },
    option("own", "My own pictures"),
    option("gallery", "The emoji, to try it"),
    // Only `kith label` opens the page with a folder.
    chosen === "folder" && option("folder", "The folder of kith label"),
  );
}

/** The program for the work is loaded with the network, not before. */
async function open(source: LabelSource, view: View, call: CallOptions): Promise<void> {
  const { openWork } = await import("../label/work.js");
  await openWork(source, view, call);
}

const VIEWS: Readonly<Record<SourceKind, (view: View) => void>> = {
  own: ownView,
  gallery: galleryView,
  folder: folderView,
};

/** The user's pictures; the desk opens again when pictures come or go. */
function ownView({ app, place, shown }: View): void {
  const status = el("div", {});
  const deskPlace = el("div", {});
  const empty = el("p", { class: "aside" });
  let known = "";
  let opened = new AbortController();
  shown.addEventListener("abort", () => opened.abort());
  const refresh = (): void => {
    const ids = app.userPictures.map(({ id }) => id).join();
    empty.textContent = emptyWords(app);
    if (ids === known) return;
    known = ids;
    opened.abort();
    opened = new AbortController();
    deskPlace.replaceChildren();
    if (app.userPictures.length < MIN_PICTURES) return;
    const { signal } = opened;
    embedOwn(app, status, async (call) => {
      if (signal.aborted) return;
      await open(ownPictures(app), { app, place: deskPlace, shown: signal }, call);
    });
  };
  const take = (files: readonly File[]): void => {
    if (app.addPictures(files).length === 0) status.replaceChildren(noPictures(files.length));
  };
  app.on("pictures", refresh, shown);
  const trouble = notKept(app, shown);
  const input = pictureInput(take, shown);
  place.replaceChildren(trouble, deskPlace, status, empty, input, keptLine(app, shown));
  const dropped = app.takeDroppedPictures();
  if (dropped.length > 0) take(dropped);
  refresh();
}

/** Says above the desk that labels are not kept, where that is so; `keptLine` offers what helps. */
function notKept(app: AppState, shown: AbortSignal): HTMLElement {
  const line = el("p", { class: "warning", role: "alert", hidden: true });
  const draw = (): void => {
    line.hidden = app.kept.lost === 0 || app.kept.waiting > 0;
    if (line.hidden) return;
    line.textContent = `What you label now would be gone after a reload: ${storageTrouble(app.kept.trouble)} Below the desk you can try to keep it again.`;
  };
  app.on("kept", draw, shown);
  draw();
  return line;
}

function emptyWords({ userPictures }: AppState): string {
  if (userPictures.length >= MIN_PICTURES) return "More pictures can be added at any time.";
  return userPictures.length === 0
    ? "Choose the pictures that you want to label: a folder of them, or a few to begin with. With twenty or more, proposals begin to make sense."
    : "One picture needs no proposals: choose more.";
}

/** The gallery, when the user wants it: the program is downloaded for it. */
function galleryView({ app, place, shown }: View): void {
  const status = el("div", {});
  const deskPlace = el("div", {});
  const start = (): void =>
    void withProgress(status, "Looking at the emoji", async (call) => {
      offer.remove();
      await open(galleryWithoutLabels(app), { app, place: deskPlace, shown }, call);
    });
  const { cpu, webgpu } = WASM_BYTES;
  const size = app.encoder ? "" : ` (${megabytes(app.device === "webgpu" ? webgpu : cpu)})`;
  const words =
    "A toy run: the emoji have labels, but the page hides them from you and from the probe until you ask how right you were. What you label here is not kept.";
  const offer = el(
    "div",
    { class: "offer" },
    el("p", {}, words),
    button(`Begin${size}`, start, { class: "main" }),
  );
  place.replaceChildren(offer, status, deskPlace);
}

/** A folder of this machine that `kith label` serves. */
function folderView({ app, place, shown }: View): void {
  const status = el("div", {});
  const words = el("p", { class: "aside" });
  const deskPlace = el("div", {});
  place.replaceChildren(words, status, deskPlace);
  void withProgress(status, "Looking at the folder", async (call) => {
    const { openFolder } = await import("../label/folder.js");
    const source = await openFolder(app, call);
    const { labelsFile, pictures } = source;
    words.textContent = `${pictures.length} images of this machine. Every label is written to ${labelsFile} before it is shown as done; nothing else leaves this page.`;
    if (pictures.length < MIN_PICTURES) {
      words.textContent = `The folder has ${pictures.length} images: there is nothing to choose from. Put more into it and start kith label again.`;
      return;
    }
    await source.embed(call);
    if (source.unreadable.length > 0) status.before(leftOut(source.unreadable));
    if (!shown.aborted) await open(source, { app, place: deskPlace, shown }, call);
  });
}

function leftOut(names: readonly string[]): HTMLElement {
  const some = names.slice(0, 5).join(", ");
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  const words = `This browser could not read ${some}${more}, so the page left them out.`;
  return el("p", { class: "warning", role: "alert" }, words);
}
