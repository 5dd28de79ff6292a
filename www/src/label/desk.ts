/** The desk: the picture to label, what is like it, what can be said of it, and what comes next. */
import { announce } from "../announce.js";
import { button, el } from "../element.js";
import { errorBox } from "../error-box.js";
import { pictureElement, type Picture } from "../picture.js";
import { classButtons } from "./class-buttons.js";
import type { ClassList } from "./class-list.js";
import { actionOf } from "./keys.js";
import type { Labelling } from "./labelling.js";
import { inWords } from "./reasons.js";

/** Labelled pictures that are shown beside the picture. */
const NEAREST = 6;

interface Desk {
  readonly labelling: Labelling;
  readonly classes: ClassList;
  /** Whether single keys label. */
  readonly keys: () => boolean;
  readonly closed: AbortSignal;
}

export function desk({ labelling, classes, keys, closed }: Desk): HTMLElement {
  const status = el("div", {});
  /** Carries out what was asked for; what fails is said, and changes nothing. */
  const perform = async (work: () => Promise<void>): Promise<void> => {
    status.replaceChildren();
    try {
      await work();
    } catch (error) {
      status.replaceChildren(errorBox(error, () => void perform(work)));
    }
  };
  const label = (name: string): void => void perform(() => labelling.label(name));
  const buttons = classButtons(classes, { onLabel: label, counts: () => countsOf(labelling) });
  const others = otherActions(labelling, (work) => void perform(work));
  const place = el("div", { class: "current" });
  const next = el("div", { class: "next" });
  let shown: Picture | undefined;
  const draw = (): void => {
    const { current } = labelling;
    buttons.draw(current !== undefined);
    others.draw();
    drawNext(next, labelling);
    if (shown !== undefined && current?.picture === shown) return;
    shown = current?.picture;
    place.replaceChildren(...(current ? pictureAndLike(labelling) : nothingLeft(labelling)));
    if (current) announce(`${current.picture.name}. ${inWords(current.reason)}`);
  };
  labelling.on("queue", draw);
  labelling.on("labels", draw);
  labelling.on("trouble", () => {
    const again = (): void => void perform(() => labelling.begin());
    status.replaceChildren(errorBox(labelling.trouble, again));
  });
  const onKey = (event: KeyboardEvent): void => {
    const action = keys() ? actionOf(event) : undefined;
    if (!action) return;
    event.preventDefault();
    // A key that is held down says the same of one picture only.
    if (event.repeat) return;
    if (action.kind === "new class") return buttons.type();
    if (action.kind === "class") {
      const name = classes.names[action.number];
      return name === undefined ? undefined : label(name);
    }
    const { kind } = action;
    void perform(() => labelling[kind]());
  };
  document.addEventListener("keydown", onKey, { signal: closed });
  draw();
  return el(
    "div",
    { class: "desk" },
    place,
    el("div", { class: "answers" }, buttons.element, others.element, buttons.adding, status),
    next,
  );
}

/** How many pictures have each label. */
function countsOf({ pictures }: Labelling): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { label } of pictures) {
    if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

/** Unknown, skip and undo. */
function otherActions(
  labelling: Labelling,
  perform: (work: () => Promise<void>) => void,
): { element: HTMLElement; draw(): void } {
  const action = (words: string, kind: "unknown" | "skip" | "undo", key: string) => {
    const own = button(words, () => perform(() => labelling[kind]()), {
      "aria-keyshortcuts": key,
      class: "quiet",
    });
    own.prepend(el("kbd", { "aria-hidden": "true" }, KEY_WORDS[kind]));
    own.addEventListener("click", ({ detail }) => detail > 0 && own.blur());
    return own;
  };
  const unknown = action("Unknown", "unknown", "u");
  unknown.title =
    "You cannot tell, or it is none of these: never proposed again, never learnt from";
  const skip = action("Skip for now", "skip", "ArrowRight");
  const undo = action("Undo", "undo", "z");
  const draw = (): void => {
    unknown.disabled = skip.disabled = labelling.current === undefined;
    undo.disabled = !labelling.canUndo;
  };
  return { element: el("div", { class: "row" }, unknown, skip, undo), draw };
}

const KEY_WORDS = { unknown: "u", skip: "→", undo: "z" } as const;

/** The shown picture with its reason, and the labelled pictures that are most like it. */
function pictureAndLike(labelling: Labelling): HTMLElement[] {
  const { picture, reason } = labelling.current!;
  const { number, of } = labelling.inRound;
  const figure = el(
    "figure",
    { class: reason.kind === "aside" ? "shown aside-picture" : "shown" },
    pictureElement(picture),
    el(
      "figcaption",
      {},
      el("strong", {}, picture.name),
      el("span", { class: "reason" }, inWords(reason)),
      el("small", {}, `${number} of ${of} in this round`),
    ),
  );
  return [figure, mostLike(labelling, picture)];
}

function mostLike({ network, pictures }: Labelling, picture: Picture): HTMLElement {
  const labelled = pictures.filter(({ label }) => label !== null);
  if (labelled.length === 0) {
    const words = "Here you will see the labelled pictures that are most like it.";
    return el("div", { class: "like" }, el("p", { class: "aside" }, words));
  }
  const index = network.index(labelled);
  const [near = []] = index.query(network.embeddings([picture]), { k: NEAREST });
  const cells = near.map(({ index: place, similarity }) => {
    const other = labelled[place]!;
    const words = `${other.label!} ${similarity.toFixed(2)}`;
    return el("li", {}, pictureElement(other), el("span", {}, words));
  });
  return el(
    "div",
    { class: "like" },
    el("h2", {}, "Most like it, of those with a label"),
    el("ul", { class: "like-list" }, ...cells),
  );
}

function drawNext(place: HTMLElement, { queue }: Labelling): void {
  const coming = queue.slice(1);
  const pictures = coming.map(({ picture, reason }) => {
    const item = el("li", { title: inWords(reason) }, pictureElement(picture));
    if (reason.kind === "aside") item.append(el("span", {}, "aside"));
    return item;
  });
  place.hidden = coming.length === 0;
  place.replaceChildren(el("h2", {}, "Next"), el("ul", { class: "next-list" }, ...pictures));
}

function nothingLeft({ pictures, queue }: Labelling): HTMLElement[] {
  const open = pictures.some(({ label, unknown }) => label === null && !unknown);
  const words = open
    ? "Looking for the pictures to label next …"
    : "Every picture has a label, or is marked as unknown. Below you can download the labels and what was learnt.";
  return queue.length > 0 ? [] : [el("p", { class: "lead" }, words)];
}
