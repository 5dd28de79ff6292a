/** The session of a run: it trains step by step, and can be paused, saved and exported. */
import type { Pretraining } from "kith-web";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import type { Picture } from "../picture.js";
import { errorBox } from "../error-box.js";
import { storageTrouble } from "../own/kept-line.js";
import { curves, type Curves } from "./curves.js";
import { results } from "./results.js";
import { deleteSavedRun, saveRun, type SavedRun, type Point } from "./run.js";
import { liveNeighbours, type LiveNeighbours } from "./live-neighbours.js";
import type { Extra } from "./setup.js";

/** Milliseconds between saves in this browser. */
const SAVE_EVERY_MS = 20_000;

export interface Session {
  readonly app: AppState;
  readonly run: Pretraining;
  readonly pictures: readonly Picture[];
  readonly saved: Pick<SavedRun, "config" | "points" | "atStart">;
  readonly extra?: Extra | undefined;
  readonly onEnd: () => void;
  /** Called when the run was kept for a comparison. */
  readonly onKept: () => void;
  readonly closed: AbortSignal;
}

/** Shows a run: its controls, curves and neighbour table. */
export function showSession(sessionPlace: HTMLElement, session: Session): void {
  const { run, pictures, saved, closed } = session;
  session.app.setRun(run);
  const view = curves(saved.points, run.metrics);
  const { step } = run;
  const neighbours = liveNeighbours(session.app, pictures, { step, atStart: saved.atStart });
  const status = el("div", {});
  const storage = el("p", { class: "warning", role: "status", hidden: true });
  const training: TrainingState = {
    points: [...saved.points],
    view,
    neighbours,
    storage,
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
  const pause = (): void => {
    if (training.pause) go.textContent = "Pausing…";
    training.pause?.abort();
  };
  const paused = async (): Promise<void> => {
    pause();
    await training.ended;
  };
  const stop = async (): Promise<void> => {
    await paused();
    await deleteSavedRun().catch(() => {});
    await disposeRun(session);
    session.onEnd();
  };
  const end = button("Stop and discard", () => void stop());
  const onKept = (): void => {
    // What is kept of a run that has ended is all that there is to lose.
    if (run.step >= run.total) end.textContent = "Begin another run";
    session.onKept();
  };
  // Opening another panel ends the run; it is saved before.
  closed.addEventListener("abort", () => void leave(session, training));
  const controls = el(
    "div",
    { class: "row" },
    go,
    end,
    ...results(session, { status, points: training.points, paused, onKept }),
  );
  sessionPlace.replaceChildren(
    controls,
    ...(session.extra?.beside ?? []),
    status,
    storage,
    ...began(session),
    neighbours.share,
    view.element,
    el("h2", {}, "Nearest neighbours of six pictures"),
    neighbours.table,
  );
  resume();
  go.focus({ preventScroll: true });
}

/** What a run began with, if not with fresh weights. */
function began({ run, saved: { config } }: Session): HTMLElement[] {
  if (!config.from) return [];
  const { title, side } = config.from;
  const other = side === run.plan.side ? "" : `; the network was made for ${side}`;
  const words = `It began with the encoder of “${title}”. Pictures have ${run.plan.side} pixels${other}.`;
  return [el("p", { class: "aside" }, words)];
}

interface TrainingState {
  readonly points: Point[];
  readonly view: Curves;
  readonly neighbours: LiveNeighbours;
  /** Says so when the browser does not save the run. */
  readonly storage: HTMLElement;
  pause: AbortController | undefined;
  ended: Promise<void> | undefined;
}

/** Trains until paused; a run does nothing between steps. */
async function train(session: Session, training: TrainingState): Promise<void> {
  const { run, saved, extra, closed } = session;
  const pause = new AbortController();
  const over = (): boolean => pause.signal.aborted || closed.aborted;
  training.pause = pause;
  await training.view.ready();
  // What came last is shown already where a pause ends.
  if (training.points.length === saved.points.length) await training.neighbours.look(run);
  let savedAt = performance.now();
  for await (const step of run.steps()) {
    training.points.push(training.view.add(step));
    await extra?.watch(step.step);
    // At the end it looks and saves anyway.
    if (!over()) await training.neighbours.lookIfDue(run);
    if (!over() && performance.now() - savedAt > SAVE_EVERY_MS) {
      await save(session, training);
      savedAt = performance.now();
    }
    if (over()) break;
  }
  if (!closed.aborted) await training.neighbours.look(run);
  await save(session, training);
}

/** Saves the run in this browser; it goes on where that is not possible, and says so. */
async function save(
  { run, pictures, saved: { config } }: Session,
  { points, storage, neighbours }: TrainingState,
): Promise<void> {
  try {
    await saveRun(run, pictures, { config, points, atStart: neighbours.atStart() });
    storage.hidden = true;
  } catch (error) {
    storage.hidden = false;
    storage.textContent = `This browser does not save the run: ${storageTrouble(error)} It goes on, but would be gone after a reload. “Save the checkpoint” saves its network as a file.`;
  }
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
