/** The kept runs below the panel: a list, and the comparison of two. */
import type { AppState } from "../../app-state.js";
import { button, el } from "../../element.js";
import { errorBox } from "../../error-box.js";
import { withProgress } from "../../progress.js";
import { comparison } from "./comparison.js";
import { keptRuns, MOST, removeRun, type KeptRun } from "./kept-runs.js";
import { longTitleOf, titleOf } from "./titles.js";
import "../../style/kept-runs.css";

/** Draws the kept runs; nothing while there are none. */
export async function drawShelf(container: HTMLElement, app: AppState): Promise<void> {
  try {
    const runs = await keptRuns();
    container.replaceChildren(...(runs.length > 0 ? [shelf(container, app, runs)] : []));
  } catch (error) {
    container.replaceChildren(errorBox(error, () => void drawShelf(container, app)));
  }
}

function shelf(container: HTMLElement, app: AppState, runs: readonly KeptRun[]): HTMLElement {
  const status = el("div", { role: "status" });
  const again = (): void =>
    void drawShelf(container, app).then(() => container.querySelector("h2")?.focus());
  const words =
    runs.length === 1
      ? `This browser keeps 1 run of at most ${MOST}. Keep a second one, with another recipe, seed or setting, to compare both here.`
      : `This browser keeps ${runs.length} runs of at most ${MOST}, also after a reload.`;
  return el(
    "section",
    { class: "kept-runs", "aria-label": "Kept runs" },
    el("h2", { tabindex: -1 }, "Kept runs"),
    el("p", { class: "aside" }, words),
    el("ul", { class: "plain" }, ...runs.map((run) => entry(run, { app, status, again }))),
    status,
    runs.length > 1 && comparison(app, runs),
  );
}

interface Context {
  readonly app: AppState;
  readonly status: HTMLElement;
  readonly again: () => void;
}

function entry(run: KeptRun, { app, status, again }: Context): HTMLElement {
  const use = (): void =>
    void withProgress(status, "Computing embeddings of the gallery", async (call) => {
      await app.openEncoder(titleOf(run), run.checkpoint, call);
      status.replaceChildren(el("p", {}, "The other panels use this network now."));
    });
  const line = el("li", { class: "row" });
  const offer = (): HTMLElement => {
    const name = `Remove ${titleOf(run)}`;
    const remove = button("Remove", ask, { class: "quiet", "aria-label": name });
    line.replaceChildren(
      el("span", { class: "run-title" }, longTitleOf(run)),
      button("Use it in other panels", use, {
        "aria-label": `Use it in other panels: ${titleOf(run)}`,
      }),
      remove,
    );
    return remove;
  };
  const ask = (): void => {
    const remove = (): void =>
      void removeRun(run.number).then(again, (error: unknown) =>
        status.replaceChildren(errorBox(error, remove)),
      );
    const no = button("No, keep it", () => offer().focus());
    line.replaceChildren(`Remove ${titleOf(run)} for good?`, button("Yes, remove it", remove), no);
    no.focus();
  };
  offer();
  return line;
}
