/** A run on the stage: pulled step by step, paused, kept, and taken along. */
import type { Pretraining } from "kith-web";
import type { Desk } from "../desk.js";
import { button, el } from "../element.js";
import type { Picture } from "../picture.js";
import { save } from "../saving.js";
import { trouble } from "../trouble.js";
import { shownWork } from "../work.js";
import { curves, type Curves } from "./curves.js";
import { forgetRun, keepRun, type Kept, type Point } from "./lesson.js";
import { pinned, type Pinned } from "./pinned.js";

/** Steps after which the pinned pictures are looked at again. */
const LOOK_EVERY = 20;
/** Milliseconds after which the run is kept in this browser. */
const KEEP_EVERY = 20_000;

export interface Lesson {
  readonly desk: Desk;
  readonly run: Pretraining;
  readonly pictures: readonly Picture[];
  readonly past: Pick<Kept, "wish" | "points">;
  readonly over: () => void;
  readonly left: AbortSignal;
}

/** A run on the stage: its controls, curves, queue and pinned pictures. */
export function lesson(stage: HTMLElement, task: Lesson): void {
  const { run, pictures, past, left } = task;
  task.desk.enter(run);
  const view = curves(past);
  const pins = pinned(pictures);
  const work = el("div", {});
  const pulling: Pulling = {
    points: [...past.points],
    view,
    pins,
    pause: undefined,
    ended: undefined,
  };
  const go = button("Pause", () => (pulling.pause ? pause() : resume()), { class: "main" });
  const resume = (): void => {
    go.textContent = "Pause";
    work.replaceChildren();
    pulling.ended = pull(task, pulling)
      .catch((error: unknown) => work.replaceChildren(trouble(error, resume)))
      .finally(() => {
        pulling.pause = undefined;
        go.textContent = run.step < run.total ? "Go on" : "Done";
        go.disabled = run.step >= run.total;
      });
  };
  const pause = (): void => pulling.pause?.abort();
  const stop = async (): Promise<void> => {
    pause();
    await pulling.ended;
    await forgetRun().catch(() => {});
    await dismiss(task);
    task.over();
  };
  // Whoever goes to another panel finds the run kept.
  left.addEventListener("abort", () => void leave(task, pulling));
  const controls = el(
    "div",
    { class: "row" },
    go,
    button("Stop, and throw it away", () => void stop()),
    ...results(task, work),
  );
  stage.replaceChildren(
    controls,
    work,
    view.element,
    el("h2", {}, "Six pictures and what the network takes for alike"),
    pins.element,
  );
  resume();
}

interface Pulling {
  readonly points: Point[];
  readonly view: Curves;
  readonly pins: Pinned;
  pause: AbortController | undefined;
  ended: Promise<void> | undefined;
}

/** Pulls steps until paused: not to pull is to pause. */
async function pull({ run, pictures, past, left }: Lesson, own: Pulling): Promise<void> {
  const pause = new AbortController();
  own.pause = pause;
  await own.view.ready();
  if (run.step === 0 || own.points.length === past.points.length) await own.pins.look(run);
  let keptAt = performance.now();
  for await (const step of run.steps()) {
    own.points.push(own.view.told(step));
    if (step.step % LOOK_EVERY === 0) await own.pins.look(run);
    if (performance.now() - keptAt > KEEP_EVERY) {
      await keepRun(run, pictures, { wish: past.wish, points: own.points });
      keptAt = performance.now();
    }
    if (pause.signal.aborted || left.aborted) break;
  }
  await own.pins.look(run);
  await keepRun(run, pictures, { wish: past.wish, points: own.points });
}

/** The loop keeps the run and ends; then the run can go. */
async function leave(task: Lesson, { pause, ended }: Pulling): Promise<void> {
  pause?.abort();
  await ended;
  await dismiss(task);
}

async function dismiss({ run, desk }: Lesson): Promise<void> {
  desk.exit(run);
  await run.dispose();
}

/** What comes of a run: a file that the native program reads, a network for the other panels. */
function results({ run, desk }: Lesson, work: HTMLElement): HTMLElement[] {
  const file = (): void =>
    void shownWork(work, "Writing the checkpoint", async () =>
      save("learnt-here.safetensors", await run.checkpoint({ half: true })),
    );
  const use = (): void =>
    void shownWork(work, "Looking at the gallery through it", async (call) => {
      await desk.openCheckpoint("learnt here", await run.checkpoint({ half: true }), call);
      work.replaceChildren(el("p", {}, "The other panels look through this network now."));
    });
  return [button("Save the checkpoint", file), button("Look through it", use)];
}
