/** The session of a run: it trains step by step, and can be paused, saved and exported. */
import { encodeRecord, type Pretraining } from "kith-web";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import type { Picture } from "../picture.js";
import { download } from "../files.js";
import { errorBox } from "../error-box.js";
import { withProgress } from "../progress.js";
import { curves, type Curves } from "./curves.js";
import { deleteSavedRun, saveRun, type SavedRun, type Point } from "./run.js";
import { neighbourTable, type NeighbourTable } from "./neighbour-table.js";
import type { Extra } from "./setup.js";

/** Steps between updates of the neighbour table. */
const NEIGHBOURS_EVERY = 20;
/** Milliseconds between saves in this browser. */
const SAVE_EVERY_MS = 20_000;

export interface Session {
  readonly app: AppState;
  readonly run: Pretraining;
  readonly pictures: readonly Picture[];
  readonly saved: Pick<SavedRun, "config" | "points">;
  readonly extra?: Extra | undefined;
  readonly onEnd: () => void;
  readonly closed: AbortSignal;
}

/** Shows a run: its controls, curves and neighbour table. */
export function showSession(sessionPlace: HTMLElement, session: Session): void {
  const { run, pictures, saved, closed } = session;
  session.app.setRun(run);
  const view = curves(saved.points, run.metrics);
  const neighbours = neighbourTable(pictures);
  const status = el("div", {});
  const training: TrainingState = {
    points: [...saved.points],
    view,
    neighbours,
    pause: undefined,
    ended: undefined,
  };
  const go = button("Pause", () => (training.pause ? pause() : resume()), { class: "main" });
  const resume = (): void => {
    go.textContent = "Pause";
    status.replaceChildren();
    training.ended = train(session, training)
      .catch((error: unknown) => status.replaceChildren(errorBox(error, resume)))
      .finally(() => {
        training.pause = undefined;
        go.textContent = run.step < run.total ? "Resume" : "Done";
        go.disabled = run.step >= run.total;
      });
  };
  const pause = (): void => training.pause?.abort();
  const stop = async (): Promise<void> => {
    pause();
    await training.ended;
    await deleteSavedRun().catch(() => {});
    await disposeRun(session);
    session.onEnd();
  };
  // Opening another panel ends the run; it is saved before.
  closed.addEventListener("abort", () => void leave(session, training));
  const controls = el(
    "div",
    { class: "row" },
    go,
    button("Stop and discard", () => void stop()),
    ...results(session, status),
  );
  sessionPlace.replaceChildren(
    controls,
    ...(session.extra ? [session.extra.beside] : []),
    status,
    view.element,
    el("h2", {}, "Nearest neighbours of six pictures"),
    neighbours.element,
  );
  resume();
}

interface TrainingState {
  readonly points: Point[];
  readonly view: Curves;
  readonly neighbours: NeighbourTable;
  pause: AbortController | undefined;
  ended: Promise<void> | undefined;
}

/** Trains until paused; a run does nothing between steps. */
async function train(
  { run, pictures, saved, extra, closed }: Session,
  training: TrainingState,
): Promise<void> {
  const pause = new AbortController();
  training.pause = pause;
  await training.view.ready();
  if (run.step === 0 || training.points.length === saved.points.length)
    await training.neighbours.update(run);
  let savedAt = performance.now();
  for await (const step of run.steps()) {
    training.points.push(training.view.add(step));
    await extra?.watch(step.step);
    if (step.step % NEIGHBOURS_EVERY === 0) await training.neighbours.update(run);
    if (performance.now() - savedAt > SAVE_EVERY_MS) {
      await saveRun(run, pictures, { config: saved.config, points: training.points });
      savedAt = performance.now();
    }
    if (pause.signal.aborted || closed.aborted) break;
  }
  await training.neighbours.update(run);
  await saveRun(run, pictures, { config: saved.config, points: training.points });
}

/** Waits until the loop has saved the run, then frees it. */
async function leave(session: Session, { pause, ended }: TrainingState): Promise<void> {
  pause?.abort();
  await ended;
  await disposeRun(session);
}

async function disposeRun({ run, app }: Session): Promise<void> {
  app.clearRun(run);
  await run.dispose();
}

/** Results of a run: a checkpoint for the native program, and a network for the other panels. */
function results({ run, app, pictures }: Session, status: HTMLElement): HTMLElement[] {
  const file = (): void =>
    void withProgress(status, "Writing the checkpoint", async () =>
      download("trained-here.safetensors", await run.checkpoint({ half: true })),
    );
  const use = (): void =>
    void withProgress(status, "Computing embeddings of the gallery", async (call) => {
      await app.openEncoder("trained here", await run.checkpoint({ half: true }), call);
      status.replaceChildren(el("p", {}, "The other panels use this network now."));
    });
  const link = (): void =>
    void withProgress(status, "Making the link", async () => {
      const code = await encodeRecord(await run.record());
      status.replaceChildren(await linkShown(`${location.href.split("#")[0]}#learn?run=${code}`));
    });
  const buttons = [button("Save the checkpoint", file), button("Use it in other panels", use)];
  // Whoever opens a link must have the same pictures.
  return pictures[0]?.file ? buttons : [...buttons, button("Copy a link to this run", link)];
}

/** A link in the clipboard, or to be copied by hand. */
async function linkShown(link: string): Promise<HTMLElement> {
  const copied = await navigator.clipboard.writeText(link).then(
    () => "The link is copied.",
    () => "Copy the link below.",
  );
  const words = `${copied} Whoever opens it, here or with “kith replay”, runs the same run again and sees how far it agrees.`;
  return el("div", {}, el("p", {}, words), el("pre", { tabindex: 0, class: "link" }, link));
}
