/** The input for the user's pictures, with how many there are. */
import type { AppState } from "../app-state.js";
import { el } from "../element.js";
import { keptLine } from "../own/kept-line.js";
import { noPictures } from "../own/take.js";
import { pictureInput } from "../picture-input.js";
import { MIN_PICTURES } from "./run.js";

export interface OwnInput {
  readonly element: HTMLElement;
  /** Shows or hides it; hidden, it takes no pictures and its camera is off. */
  show(shown: boolean): void;
}

export function ownInput(app: AppState, closed: AbortSignal): OwnInput {
  const element = el("div", {});
  let shown = new AbortController();
  closed.addEventListener("abort", () => shown.abort());
  const show = (wanted: boolean): void => {
    shown.abort();
    shown = new AbortController();
    if (!wanted) return element.replaceChildren();
    const count = (): string =>
      `${app.userPictures.length} pictures so far; at least ${MIN_PICTURES} are needed, hundreds are better.`;
    const words = el("div", { class: "aside", role: "status" }, count());
    app.on("pictures", () => (words.textContent = count()), shown.signal);
    const take = (files: readonly File[]): void => {
      if (app.addPictures(files).length === 0) words.replaceChildren(noPictures(files.length));
    };
    element.replaceChildren(pictureInput(take, shown.signal), words, keptLine(app, shown.signal));
  };
  return { element, show };
}
