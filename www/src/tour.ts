/**
 * A tour of two minutes: a card above the panel, one step after the other. The address has the step, so
 * that a link starts the tour, and going back goes one step back.
 */
import { get, set } from "idb-keyval";
import { numberSetting, onAddressChange, panelInAddress, remember, visit } from "./address.js";
import { button, el } from "./element.js";
import { store } from "./storage.js";

interface Step {
  readonly panel: string;
  /** What the stylesheet frames. */
  readonly shows: string;
  readonly title: string;
  readonly words: string;
}

const STEPS: readonly Step[] = [
  {
    panel: "neighbours",
    shows: "neighbours",
    title: "What is alike?",
    words:
      "One emoji, and the eight pictures that a network finds most like it, out of 3,672. Nobody told the network what an emoji is. After them come the eight of the same network before it learnt anything. A picture with a tick is the same emoji, drawn by somebody else: which network finds it earlier?",
  },
  {
    panel: "augmentations",
    shows: "views",
    title: "How can it learn if nobody tells it anything?",
    words:
      "Of every picture, the computer makes changed copies: a part cut out, turned over, in other colours. The network sees two copies and has to say that they belong together. What differs between them, it learns to ignore; what stays the same, it learns to see.",
  },
  {
    panel: "learn",
    shows: "learn",
    title: "Watch one learn",
    words:
      "A new network knows nothing: its numbers are random. Press “Start learning” and watch the curves, and the nearest neighbours of six pictures. It computes in this tab, on this machine; you can pause it at any time.",
  },
  {
    panel: "probe",
    shows: "probe",
    title: "How few labels are enough?",
    words:
      "Now somebody says of a few pictures what they are: food, a flag, an animal. From these few, the network guesses all others. Move the slider and see how the share of right guesses grows. Press a number of the table to see which pictures were mixed up.",
  },
  {
    panel: "label",
    shows: "label",
    title: "Which pictures are worth a label?",
    words:
      "Labels cost time, so the program proposes the pictures that say most, and says why. Choose “The emoji, to try it”, begin, and press the key of a class. After every ten, a probe learns from your labels; some of them are set aside to measure how good its guesses are.",
  },
  {
    panel: "map",
    shows: "map",
    title: "All at once",
    words:
      "Every picture has a place on this map; what the network finds alike lies close together. Move it, zoom in, press a picture. Where do the flags live, and who are their neighbours?",
  },
  {
    panel: "neighbours",
    shows: "own",
    title: "Your turn",
    words:
      "Choose pictures of your own: things on your desk, drawings, leaves. Then press “Sort my pictures”, and give the groups names. They stay on this machine. At the foot of the page is more to read.",
  },
];

const KEY = "tour";
/** What is remembered of an ended tour. */
const DONE = 0;

/** Shows the tour in `place` while the address has a step, and says in `link` where it goes on. */
export function tour(place: HTMLElement, link: HTMLAnchorElement): void {
  const show = (): void => {
    const step = stepInAddress();
    if (step === 0) delete document.body.dataset["tour"];
    else document.body.dataset["tour"] = STEPS[step - 1]!.shows;
    const before = place.dataset["step"] ?? "0";
    place.dataset["step"] = String(step);
    if (String(step) === before) return;
    place.replaceChildren(...(step === 0 ? [] : [card(step, end)]));
    if (step === 0) return;
    void set(KEY, step, store).catch(() => {});
    place.querySelector("h2")!.focus();
    place.scrollIntoView({ block: "nearest" });
  };
  const end = (): void => {
    remember({ tour: undefined });
    void set(KEY, DONE, store).catch(() => {});
    invite(link, DONE);
    show();
    link.focus();
  };
  onAddressChange(show);
  show();
  void get<number>(KEY, store).then(
    (step) => invite(link, step),
    () => {},
  );
}

/** The step, from 1 on; 0 without a tour. Who follows a link to another panel gets the step of that panel. */
function stepInAddress(): number {
  const step = numberSetting("tour", 0, [0, STEPS.length]);
  const panel = panelInAddress() || STEPS[0]!.panel;
  if (step === 0 || STEPS[step - 1]!.panel === panel) return step;
  return STEPS.findIndex((each) => each.panel === panel) + 1 || step;
}

/** What the link says to those who were on the tour before. */
function invite(link: HTMLAnchorElement, step: number | undefined): void {
  if (step === undefined) return;
  const { panel } = STEPS[Math.max(step, 1) - 1]!;
  link.textContent =
    step === DONE ? "The tour again" : `Go on with the tour, step ${step} of ${STEPS.length}`;
  link.href = `#${panel}?tour=${Math.max(step, 1)}`;
}

function card(step: number, end: () => void): HTMLElement {
  const { title, words } = STEPS[step - 1]!;
  const go = (to: number): void => visit(STEPS[to - 1]!.panel, { tour: to });
  const last = step === STEPS.length;
  const head = el("h2", { id: "tour-title", tabindex: -1 }, title);
  const dialog = el(
    "dialog",
    { class: "tour", "aria-labelledby": "tour-title" },
    el("p", { class: "aside" }, `The tour, step ${step} of ${STEPS.length}`),
    head,
    el("p", {}, words),
    el(
      "p",
      { class: "row" },
      !last && button("Next", () => go(step + 1), { class: "main" }),
      step > 1 && button("Back", () => go(step - 1)),
      button(last ? "End of the tour" : "End the tour", end, { class: last ? "main" : "quiet" }),
    ),
  );
  dialog.addEventListener("keydown", ({ key }) => key === "Escape" && end());
  dialog.show();
  return dialog;
}
