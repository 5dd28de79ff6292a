/** A run on the stage: pulled step by step, paused, kept, and taken along. */
import type { Pretraining } from "kith-web";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import type { Picture } from "../picture.js";
import { download } from "../files.js";
import { errorBox } from "../error-box.js";
import { withProgress } from "../progress.js";
import { curves, type Curves } from "./curves.js";
import { METRICS } from "./metrics.js";
import { deleteSavedRun, saveRun, type SavedRun, type Point } from "./run.js";
import { neighbourTable, type NeighbourTable } from "./neighbour-table.js";

/** Steps after which the pinned pictures are looked at again. */
const NEIGHBOURS_EVERY = 20;
/** Milliseconds after which the run is kept in this browser. */
const SAVE_EVERY_MS = 20_000;

export interface Session {
  readonly app: AppState;
  readonly run: Pretraining;
  readonly pictures: readonly Picture[];
  readonly saved: Pick<SavedRun, "config" | "points">;
  readonly onEnd: () => void;
  readonly closed: AbortSignal;
}

/** A run on the stage: its controls, curves, queue and pinned pictures. */
export function showSession(sessionPlace: HTMLElement, session: Session): void {
  const { run, pictures, saved, closed } = session;
  session.app.setRun(run);
  const view = curves(saved.points, METRICS);
  const neighbours = neighbourTable(pictures);
  const work = el("div", {});
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
    work.replaceChildren();
    training.ended = train(session, training)
      .catch((error: unknown) => work.replaceChildren(errorBox(error, resume)))
      .finally(() => {
        training.pause = undefined;
        go.textContent = run.step < run.total ? "Go on" : "Done";
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
  // Whoever goes to another panel finds the run kept.
  closed.addEventListener("abort", () => void leave(session, training));
  const controls = el(
    "div",
    { class: "row" },
    go,
    button("Stop, and throw it away", () => void stop()),
    ...results(session, work),
  );
  sessionPlace.replaceChildren(
    controls,
    work,
    view.element,
    el("h2", {}, "Six pictures and what the network takes for alike"),
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

/** Pulls steps until paused: not to pull is to pause. */
async function train(
  { run, pictures, saved, closed }: Session,
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

/** The loop keeps the run and ends; then the run can go. */
async function leave(session: Session, { pause, ended }: TrainingState): Promise<void> {
  pause?.abort();
  await ended;
  await disposeRun(session);
}

async function disposeRun({ run, app }: Session): Promise<void> {
  app.clearRun(run);
  await run.dispose();
}

/** What comes of a run: a file that the native program reads, a network for the other panels. */
function results({ run, app }: Session, work: HTMLElement): HTMLElement[] {
  const file = (): void =>
    void withProgress(work, "Writing the checkpoint", async () =>
      download("learnt-here.safetensors", await run.checkpoint({ half: true })),
    );
  const use = (): void =>
    void withProgress(work, "Looking at the gallery through it", async (call) => {
      await app.openCheckpoint("learnt here", await run.checkpoint({ half: true }), call);
      work.replaceChildren(el("p", {}, "The other panels look through this network now."));
    });
  return [button("Save the checkpoint", file), button("Look through it", use)];
}
