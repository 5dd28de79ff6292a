/** Learn: trains a network in this tab, on the gallery or on the user's pictures, and compares runs. */
import type { AppState } from "../app-state.js";
import { setting } from "../address.js";
import { el } from "../element.js";
import { hasKeptRuns } from "../learn/kept/kept-runs.js";
import { compareNetworks } from "../learn/neighbour-table.js";
import { offerSavedRun } from "../learn/saved-offer.js";
import { newRun, type OnStart } from "../learn/setup.js";

export function learn(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const sessionPlace = el("div", {});
  const setupPlace = el("div", {});
  const recordPlace = el("div", {});
  const shelfPlace = el("div", {});
  root.replaceChildren(introduction(), recordPlace, setupPlace, sessionPlace, shelfPlace);
  const drawShelf = async (): Promise<void> => {
    const { drawShelf } = await import("../learn/kept/shelf.js");
    await drawShelf(shelfPlace, app);
  };
  const onStart: OnStart = async (run, pictures, saved, extra) => {
    const { showSession } = await import("../learn/session.js");
    // Another panel was opened while the pictures were prepared.
    if (closed.aborted) return run.dispose();
    recordPlace.replaceChildren();
    setupPlace.replaceChildren();
    const onEnd = (): void => {
      sessionPlace.replaceChildren();
      draw();
      setupPlace.querySelector("select")?.focus();
    };
    const onKept = (): void => void drawShelf();
    showSession(sessionPlace, { app, run, pictures, saved, extra, onEnd, onKept, closed });
  };
  const draw = (): void => {
    setupPlace.replaceChildren(newRun(app, onStart, closed), savedRunPlace, networkComparison(app));
    void offerSavedRun(savedRunPlace, app, onStart);
  };
  const savedRunPlace = el("div", {});
  // Who forgets all pictures forgets runs that have them.
  const forgotten = (): void => {
    if (app.userPictures.length > 0) return;
    if (setupPlace.contains(savedRunPlace)) void offerSavedRun(savedRunPlace, app, onStart);
    if (shelfPlace.firstChild) void drawShelf();
  };
  void hasKeptRuns().then((any) => any && !closed.aborted && void drawShelf());
  app.on("pictures", forgotten, closed);
  const code = setting("run", "");
  if (code === "") return draw();
  const gone = (): void => {
    recordPlace.replaceChildren();
    draw();
  };
  void import("../learn/recorded-run.js").then(({ recordedRun }) => {
    if (!closed.aborted) recordedRun(recordPlace, { app, code, onStart, gone });
  });
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "A new network knows nothing. It is shown two views of many pictures, again and again, and learns ",
    "which belong together. Watch how its nearest neighbours change.",
  );
}

/** Shown before a run: neighbours before and after training. */
function networkComparison({ gallery, random, trained }: AppState): HTMLElement {
  const words = "Nearest neighbours before and after training";
  return el("section", {}, el("h2", {}, words), compareNetworks(gallery, [random, trained]));
}
