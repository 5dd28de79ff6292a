/** Offers to resume the run that this browser saved. */
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import { withProgress } from "../progress.js";
import { deleteSavedRun, loadSavedRun, picturesOf, resumeRun } from "./run.js";
import type { OnStart } from "./setup.js";

/** The offer; empty where there is no such run. */
export async function offerSavedRun(
  container: HTMLElement,
  app: AppState,
  onStart: OnStart,
): Promise<void> {
  const saved = await loadSavedRun().catch(() => undefined);
  if (!saved) return container.replaceChildren();
  const { config, step } = saved;
  const status = el("div", {});
  const resume = (): void => {
    void withProgress(status, "Resuming the run", async (call) => {
      const pictures = picturesOf(saved, app.gallery);
      await onStart(
        await resumeRun(saved, pictures, { ...call, device: app.device }),
        pictures,
        saved,
      );
    });
  };
  const drop = (): void => void deleteSavedRun().then(() => container.replaceChildren());
  const text = `A run of the recipe ${config.recipe} was saved at step ${step}.`;
  const offer = el(
    "div",
    { class: "offer" },
    el("p", {}, text),
    el(
      "p",
      { class: "row" },
      button("Resume the run", resume, { class: "main" }),
      button("Discard it", drop),
    ),
  );
  container.replaceChildren(offer, status);
}
