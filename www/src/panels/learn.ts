/** Learn: a network learns in this tab, from nothing, on the gallery or the visitor's pictures. */
import type { AppState } from "../app-state.js";
import { el } from "../element.js";
import { newRun, offerSavedRun, type OnStart } from "../learn/setup.js";
import { compareNetworks } from "../learn/neighbour-table.js";
import { showSession } from "../learn/session.js";

export function learn(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const sessionPlace = el("div", {});
  const setupPlace = el("div", {});
  root.replaceChildren(introduction(), setupPlace, sessionPlace);
  const onStart: OnStart = (run, pictures, saved) => {
    setupPlace.replaceChildren();
    const onEnd = (): void => {
      sessionPlace.replaceChildren();
      draw();
    };
    showSession(sessionPlace, { app, run, pictures, saved, onEnd, closed });
  };
  const draw = (): void => {
    setupPlace.replaceChildren(newRun(app, onStart, closed), savedRunPlace, networkComparison(app));
    void offerSavedRun(savedRunPlace, app, onStart);
  };
  const savedRunPlace = el("div", {});
  draw();
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "A new network knows nothing. Shown two views of many pictures again and again, it learns which ",
    "belong together. Watch what it takes for alike change while it does.",
  );
}

/** What there is to see before a run: what learning makes of nothing. */
function networkComparison({ gallery, random, trained }: AppState): HTMLElement {
  const words = "What the network of this page takes for alike, before and after it learnt";
  return el("section", {}, el("h2", {}, words), compareNetworks(gallery, [random, trained]));
}
