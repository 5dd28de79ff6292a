/** Learn: a network learns in this tab, from nothing, on the gallery or the visitor's pictures. */
import type { Desk } from "../desk.js";
import { el } from "../element.js";
import { newRun, offerKept, type Started } from "../learn/choices.js";
import { compared } from "../learn/pinned.js";
import { lesson } from "../learn/stage.js";

export function learn(root: HTMLElement, desk: Desk, left: AbortSignal): void {
  const stage = el("div", {});
  const setUp = el("div", {});
  root.replaceChildren(introduction(), setUp, stage);
  const started: Started = (run, pictures, past) => {
    setUp.replaceChildren();
    const over = (): void => {
      stage.replaceChildren();
      draw();
    };
    lesson(stage, { desk, run, pictures, past, over, left });
  };
  const draw = (): void => {
    setUp.replaceChildren(newRun(desk, started, left), keptPlace, outlook(desk));
    void offerKept(keptPlace, desk, started);
  };
  const keptPlace = el("div", {});
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
function outlook({ gallery, random, trained }: Desk): HTMLElement {
  const words = "What the network of this page takes for alike, before and after it learnt";
  return el("section", {}, el("h2", {}, words), compared(gallery, [random, trained]));
}
