/** Says what this browser keeps of the user's pictures, and forgets them when asked to. */
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";

/** The line; empty while there are no pictures. */
export function keptLine(app: AppState, closed: AbortSignal): HTMLElement {
  const words = el("span", { role: "status" });
  const actions = el("span", { class: "row" });
  const line = el("div", { class: "row kept" }, words, actions);
  const draw = (): void => {
    line.hidden = app.userPictures.length === 0;
    words.textContent = sentence(app);
    words.className = app.kept.lost > 0 && app.kept.waiting === 0 ? "warning" : "aside";
  };
  const offer = (): void => {
    const again = button("Try to keep them again", () => void app.kept.again());
    actions.replaceChildren(button("Forget my pictures", ask, { class: "quiet" }));
    if (app.kept.lost > 0) actions.prepend(again);
  };
  const ask = (): void => {
    const no = button("No, keep them", offer);
    const yes = button("Yes, forget them", () => void forget(app).then(offer));
    actions.replaceChildren("All pictures of yours and their labels, for good?", yes, no);
    no.focus();
  };
  const redraw = (): void => {
    draw();
    offer();
  };
  app.on("pictures", draw, closed);
  app.on("kept", redraw, closed);
  redraw();
  return line;
}

function sentence({ kept, userPictures }: AppState): string {
  const count = pictures(userPictures.length);
  if (kept.waiting > 0) return "This browser is storing your pictures and labels …";
  if (kept.lost === 0) {
    return `This browser keeps your ${count} and the labels for your next visit; nothing was sent anywhere. On a computer that others use, forget them before you leave.`;
  }
  const which =
    kept.lost === userPictures.length ? `your ${count}` : `${kept.lost} of your ${count}`;
  return `This browser does not keep ${which}: ${storageTrouble(kept.trouble)} You can go on, but they are gone when this tab closes.`;
}

const pictures = (count: number): string => (count === 1 ? "1 picture" : `${count} pictures`);

/** Why a browser did not store something. */
export function storageTrouble(trouble: unknown): string {
  const { name, message } = trouble instanceof Error ? trouble : new Error(String(trouble));
  if (name === "QuotaExceededError") return "its storage for this page is full.";
  if (name === "InvalidStateError" || name === "SecurityError" || name === "UnknownError") {
    return "it stores nothing for this page, as in some private windows.";
  }
  return `storing failed (${message}).`;
}

/** Forgets the pictures, and before them runs that know some. */
async function forget(app: AppState): Promise<void> {
  const { deleteSavedRun, loadSavedRun } = await import("../learn/run.js");
  const run = await loadSavedRun().catch(() => undefined);
  if (run?.files) await deleteSavedRun().catch(() => {});
  const { forgetSavedRun } = await import("../label/saved-run.js");
  await forgetSavedRun("own").catch(() => {});
  const { forgetOwnRuns } = await import("../learn/kept/kept-runs.js");
  await forgetOwnRuns().catch(() => {});
  await app.forgetPictures();
}
