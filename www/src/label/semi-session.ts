/** A run of semi-supervised training: its progress, its accuracy, pause, and what this browser keeps. */
import type { SemiSupervised } from "kith-web";
import type { AppState } from "../app-state.js";
import { chart } from "../chart.js";
import { button, el, percent } from "../element.js";
import { errorBox } from "../error-box.js";
import { drawFigures, figuresOf, type Figure } from "../learn/curves.js";
import { formatMetric, shownMetrics } from "../learn/metrics.js";
import { storageTrouble } from "../own/kept-line.js";
import { pixelsOfAll } from "../pixels.js";
import { interval } from "./figures.js";
import type { Labelling } from "./labelling.js";
import { rightOf } from "./learning.js";
import { measures } from "./mark.js";
import { forgetSavedRun, keepRun, type EpochPoint } from "./saved-run.js";
import type { Lesson } from "./semi-run.js";

export interface Session {
  readonly app: AppState;
  readonly labelling: Labelling;
  readonly run: SemiSupervised;
  readonly lesson: Lesson;
  readonly points: readonly EpochPoint[];
  /** Called when the run can give other results, and when it has ended. */
  readonly onResult: (run: SemiSupervised) => void;
  readonly onStop: () => void;
  readonly closed: AbortSignal;
}

interface State {
  points: EpochPoint[];
  pause: AbortController | undefined;
  ended: Promise<void> | undefined;
}

interface View {
  readonly figures: HTMLElement;
  readonly kept: HTMLElement;
  addPoint(point: EpochPoint): void;
}

export function semiSession(session: Session): HTMLElement {
  const { run, closed, app } = session;
  app.setRun(run);
  const status = el("div", {});
  const lost = el("p", { class: "warning", role: "status", hidden: true });
  run.onDeviceLost(({ actual }) => {
    const device = actual === "webgpu" ? "WebGPU, the graphics card" : "the CPU";
    lost.hidden = false;
    lost.textContent = `The device was lost in the middle; the run goes on from what it had, on ${device}.`;
  });
  const { element: curves, ...view } = viewOf(session);
  const state: State = { points: [...session.points], pause: undefined, ended: undefined };
  const go = button("Pause", () => (state.pause ? pause() : resume()), { class: "main" });
  const pause = (): void => {
    if (state.pause) go.textContent = "Pausing…";
    state.pause?.abort();
  };
  const resume = (): void => {
    status.replaceChildren();
    go.textContent = "Pause";
    state.ended = train(session, state, view)
      .catch((error: unknown) => status.replaceChildren(errorBox(error, resume)))
      .finally(() => {
        state.pause = undefined;
        go.textContent = run.step < run.total ? "Go on" : "Done";
        go.disabled = run.step >= run.total;
      });
  };
  const stop = async (): Promise<void> => {
    pause();
    await state.ended;
    await forgetSavedRun(session.labelling.source.name).catch(() => {});
    await disposeRun(session);
    session.onStop();
  };
  closed.addEventListener("abort", () => void leave(session, state));
  const controls = el(
    "p",
    { class: "row" },
    go,
    button("Stop and discard", () => void stop()),
  );
  resume();
  return el("div", { class: "semi" }, controls, status, lost, view.figures, curves, view.kept);
}

function viewOf({ points }: Session): View & { element: HTMLElement } {
  const loss = chart("Loss", "step", [{ name: "loss", colour: "#0072b2" }]);
  const curve = [{ name: "labels set aside", colour: "#d55e00" }];
  const accuracy = chart("Accuracy on the labels set aside", "epoch", curve, true);
  const addPoint = ({ epoch, step, loss: value, right, count }: EpochPoint): void => {
    loss.add(step, [value]);
    if (count > 0) accuracy.add(epoch, [right / count]);
  };
  points.forEach(addPoint);
  void Promise.all([loss.ready(), accuracy.ready()]);
  return {
    element: el("div", { class: "charts" }, loss.element, accuracy.element),
    figures: el("dl", { class: "numbers" }),
    kept: el("p", { class: "aside", role: "status" }),
    addPoint,
  };
}

/** Trains until paused; after each epoch it is measured and kept. */
async function train(session: Session, state: State, view: View): Promise<void> {
  const { run, closed } = session;
  const pause = new AbortController();
  state.pause = pause;
  if (run.step >= run.total) {
    drawFigures(view.figures, [["Step", `${run.step} of ${run.total}`], ...lastAccuracy(state)]);
    return session.onResult(run);
  }
  drawFigures(view.figures, [["Step", `${run.step} of ${run.total}`]]);
  for await (const step of run.steps()) {
    const shown = shownMetrics(run.metrics).filter(({ name }) => name in step.metrics);
    const [before, after] = figuresOf(step);
    if (step.step % run.plan.steps === 0) {
      const point = await measure(session, step.loss);
      state.points.push(point);
      view.addPoint(point);
      await keep(session, state, view);
    }
    const own = shown.map((each): Figure => [
      each.title,
      formatMetric(each, step.metrics[each.name]!),
    ]);
    drawFigures(view.figures, [...before, ...lastAccuracy(state), ...own, ...after]);
    if (pause.signal.aborted || closed.aborted) break;
  }
  await keep(session, state, view);
  if (!closed.aborted) session.onResult(run);
}

function lastAccuracy({ points }: State): Figure[] {
  const last = points.at(-1);
  if (!last) return [];
  const title = "Accuracy on the labels set aside";
  if (last.count === 0) return [[title, "not known", "no label is set aside yet"]];
  return [[title, percent(last.right / last.count), interval(last)]];
}

/** How many of the labels set aside the network guesses as it is now. */
async function measure({ run, labelling }: Session, loss: number): Promise<EpochPoint> {
  const aside = labelling.pictures.filter(measures);
  const best = aside.length > 0 ? await run.classify(pixelsOfAll(aside), { topK: 1 }) : [];
  const guessed = best.map(([first]) => first!.label);
  const { step } = run;
  return { epoch: Math.ceil(step / run.plan.steps), step, loss, ...rightOf(guessed, aside) };
}

/** Keeps the run in this browser, and says whether that was possible. */
async function keep(session: Session, state: State, view: View): Promise<void> {
  const { run, labelling, lesson } = session;
  const { step, total } = run;
  if (isForgotten(session)) return;
  try {
    await keepRun(labelling.source.name, {
      state: await run.state(),
      step,
      total,
      at: Date.now(),
      ids: lesson.pictures.map(({ id }) => id),
      labels: lesson.labels,
      points: state.points,
    });
    view.kept.className = "aside";
    view.kept.textContent = `This browser keeps the run as it is at step ${step}: it goes on after a reload.`;
  } catch (error) {
    view.kept.className = "warning";
    view.kept.textContent = `This browser does not keep the run: ${storageTrouble(error)} It goes on, but would be gone after a reload.`;
  }
}

/** Whether its pictures were forgotten meanwhile: then nothing of them may be kept. */
const isForgotten = ({ app, labelling }: Session): boolean =>
  labelling.source.kind === "own" && app.userPictures.length === 0;

/** Another panel opens: the run is kept, then freed. */
async function leave(session: Session, { pause, ended }: State): Promise<void> {
  pause?.abort();
  await ended;
  await disposeRun(session);
}

async function disposeRun({ run, app }: Session): Promise<void> {
  app.clearRun(run);
  await run.dispose();
}
