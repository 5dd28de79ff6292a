/** Clean up: near-duplicates, doubtful labels and outliers among pictures, to accept or reject. */
import { remember, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { review } from "../clean/review.js";
import { search } from "../clean/search.js";
import { button, choice, el, field } from "../element.js";
import { keptLine } from "../own/kept-line.js";
import { noPictures } from "../own/take.js";
import { pictureInput } from "../picture-input.js";
import type { Picture } from "../picture.js";
import { withProgress } from "../progress.js";

type Source = "own" | "gallery";

const SOURCES = [
  ["own", "My own pictures"],
  ["gallery", "The emoji, to try it"],
] as const;

export function clean(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const source: Source = wordSetting("clean", ["own", "gallery"], "own");
  const place = el("div", {});
  let shown = new AbortController();
  closed.addEventListener("abort", () => shown.abort());
  const show = (kind: Source): void => {
    shown.abort();
    shown = new AbortController();
    place.replaceChildren(looking(app, kind, shown.signal));
  };
  const chooser = choice<Source>(SOURCES, source, (kind) => {
    remember({ clean: kind === "own" ? undefined : kind });
    show(kind);
  });
  root.replaceChildren(
    introduction(),
    el("div", { class: "fields" }, field("Pictures", chooser)),
    place,
  );
  show(source);
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "Pictures that are there twice, labels that are probably wrong, pictures that belong to nothing: the open network finds them, you decide. Nothing is changed before you say so.",
  );
}

/** The pictures, the button, and what is found. */
function looking(app: AppState, source: Source, shown: AbortSignal): HTMLElement {
  const status = el("div", {});
  const found = el("div", {});
  const count = el("p", { class: "aside", role: "status" });
  const pictures = (): readonly Picture[] => (source === "own" ? app.userPictures : app.gallery);
  const start = button("Look through them", () => look(), { class: "main" });
  const draw = (): void => {
    const all = pictures();
    const labelled = all.filter(({ label }) => label !== null).length;
    start.disabled = all.length < 2;
    count.textContent = `${all.length} pictures, ${labelled} of them with a label.${labelled === 0 ? " Without labels, copies and outliers are looked for." : ""}`;
  };
  const look = (): void =>
    void withProgress(status, "Looking through the pictures", async (call) => {
      found.replaceChildren();
      const all = [...pictures()];
      const what = await search(app, all, call);
      if (!shown.aborted) found.replaceChildren(review({ app, pictures: all, found: what, shown }));
    });
  app.on("pictures", draw, shown);
  draw();
  const take = (files: readonly File[]): void => {
    if (app.addPictures(files).length === 0) status.replaceChildren(noPictures(files.length));
  };
  const input = source === "own" ? [pictureInput(take, shown), keptLine(app, shown)] : [];
  return el("div", {}, ...input, count, el("p", { class: "row" }, start), status, found);
}
