/** Offers a new run of semi-supervised training, or to go on with one that this browser keeps. */
import { KithError, type CallOptions, type SemiSupervised } from "kith-web";
import { numberSetting, remember } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, choice, el, field } from "../element.js";
import { withProgress } from "../progress.js";
import type { Labelling } from "./labelling.js";
import {
  dayOf,
  forgetSavedRun,
  loadSavedRun,
  type EpochPoint,
  type SavedRun,
} from "./saved-run.js";
import {
  canStartFrom,
  hasChanged,
  lessonOf,
  lessonOfSaved,
  resumeSemi,
  startSemi,
  type Lesson,
} from "./semi-run.js";

/** Called when a run was started or opened again. */
export type OnRun = (run: SemiSupervised, lesson: Lesson, points: readonly EpochPoint[]) => void;

const STEPS = 75;

interface Offer {
  readonly app: AppState;
  readonly labelling: Labelling;
  readonly onRun: OnRun;
}

/** The form of a new run, and below it the run that is kept, if there is one. */
export function semiOffer(offer: Offer): HTMLElement {
  const { app } = offer;
  const status = el("div", {});
  const start = (): void =>
    void withProgress(status, "Preparing the pictures", (call) => startNew(offer, call));
  const savedPlace = el("div", {});
  void offerSaved(savedPlace, offer, start);
  const begin = canStartFrom(app)
    ? `It starts from the open network, “${app.network.title}”.`
    : "The open network is of another kind than this training can go on with, so it starts afresh.";
  return el(
    "div",
    {},
    el("div", { class: "fields" }, ...amounts()),
    el("p", { class: "row" }, button("Train on all pictures", start, { class: "main" })),
    el("p", { class: "aside" }, begin),
    status,
    savedPlace,
  );
}

const epochs = (): number => numberSetting("epochs", 10, [1, 200]);
const batch = (): number => numberSetting("unlabelled", 112, [1, 512]);
const stepsPerEpoch = (): number => numberSetting("epochsteps", STEPS, [1, 1000]);

function amounts(): HTMLElement[] {
  const amount = (name: string, now: number, values: readonly number[], words: string) => {
    const all = values.includes(now) ? values : [now, ...values];
    const options = all.map((value) => [String(value), `${value} ${words}`] as const);
    return choice(options, String(now), (value) => remember({ [name]: value }));
  };
  return [
    field("Length", amount("epochs", epochs(), [2, 5, 10, 20, 40], "epochs")),
    field("Batch", amount("unlabelled", batch(), [32, 64, 112], "pictures without a label")),
  ];
}

async function startNew({ app, labelling, onRun }: Offer, call: CallOptions): Promise<void> {
  const lesson = lessonOf(labelling.pictures);
  if (new Set(lesson.labels.filter((label) => label !== null)).size < 2) {
    throw new KithError("TOO_FEW_EXAMPLES", "Label pictures of two classes first.", {
      hint: "Training needs to know what at least two classes look like. Five labels each are a good beginning.",
    });
  }
  const choices = { epochs: epochs(), batch: batch(), stepsPerEpoch: stepsPerEpoch() };
  const run = await startSemi(app, lesson, { ...choices, ...call, device: app.device });
  onRun(run, lesson, []);
}

/** Offers the run that this browser keeps; says so if it began with other labels. */
async function offerSaved(place: HTMLElement, offer: Offer, anew: () => void): Promise<void> {
  const { labelling } = offer;
  const saved = await loadSavedRun(labelling.source.name).catch(() => undefined);
  if (!saved) return place.replaceChildren();
  const status = el("div", {});
  const lesson = lessonOfSaved(saved, labelling.pictures);
  const drop = async (): Promise<void> => {
    await forgetSavedRun(labelling.source.name);
    place.replaceChildren();
  };
  const resume = (): void =>
    void withProgress(status, "Opening the run", (call) => goOn(offer, saved, call));
  const draw = (): void => {
    const changed = hasChanged(saved, lessonOf(labelling.pictures));
    const box = el(
      "div",
      { class: "offer" },
      el("p", {}, said(saved), ...(changed ? [` ${otherLabels(saved, lesson)}`] : [])),
      el(
        "p",
        { class: "row" },
        lesson && button(resumeWords(saved, changed), resume, { class: changed ? "" : "main" }),
        changed && button("Start anew with the labels of now", anew, { class: "main" }),
        button("Discard it", () => void drop()),
      ),
    );
    place.replaceChildren(box, status);
  };
  labelling.on("labels", () => place.contains(status) && !status.firstChild && draw());
  draw();
}

function said({ at, step, total }: SavedRun): string {
  const run = `The run of ${dayOf(at)}`;
  return step < total
    ? `${run} is kept at step ${step} of ${total}.`
    : `${run} is kept; it ended after ${total} steps.`;
}

function otherLabels({ labels }: SavedRun, lesson: Lesson | undefined): string {
  const count = labels.filter((label) => label !== null).length;
  const began = `It began with other labels than there are now: ${count} of them.`;
  return lesson ? began : `${began} Some of its pictures are gone, so it cannot go on.`;
}

function resumeWords({ step, total }: SavedRun, changed: boolean): string {
  if (step >= total) return "Open it again";
  return changed
    ? `Go on with its own labels at step ${step}`
    : `Go on at step ${step} of ${total}`;
}

async function goOn(
  { app, labelling, onRun }: Offer,
  saved: SavedRun,
  call: CallOptions,
): Promise<void> {
  const lesson = lessonOfSaved(saved, labelling.pictures)!;
  const run = await resumeSemi(saved, lesson, { ...call, device: app.device });
  onRun(run, lesson, saved.points);
}
