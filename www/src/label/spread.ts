/** Label propagation: labels spread to the pictures that are like them; the doubtful ones are shown first. */
import { button, choice, el } from "../element.js";
import { errorBox } from "../error-box.js";
import { pictureElement, type Picture } from "../picture.js";
import { withProgress } from "../progress.js";
import type { ClassList } from "./class-list.js";
import type { Labelling } from "./labelling.js";
import { isOpen, teaches } from "./mark.js";
import type { Others } from "./others.js";

/** Doubtful labels that are shown at a time. */
const SHOWN = 12;

interface Spreading {
  readonly labelling: Labelling;
  readonly classes: ClassList;
  readonly others: Others;
  readonly onSpread: () => void;
}

/** A label that arrived at a picture. */
interface Arrived {
  readonly picture: Picture;
  readonly label: string;
  readonly certainty: number;
}

export function spreading({ labelling, classes, others, onSpread }: Spreading): HTMLElement {
  const status = el("div", {});
  const found = el("div", {});
  const spread = (): void =>
    void withProgress(status, "Spreading the labels", async ({ signal }) => {
      const { labels, certainties } = await labelling.spread(signal);
      others.spread(labels);
      const arrived = labelling.pictures.flatMap((picture, place): Arrived[] => {
        const label = labels[place];
        return label && isOpen(picture) ? [{ picture, label, certainty: certainties[place]! }] : [];
      });
      drawFound(found, arrived, { labelling, classes });
      onSpread();
    });
  const start = button("Spread the labels", spread);
  const need = el("p", { class: "aside" });
  const draw = (): void => {
    start.disabled = !labelling.pictures.some(teaches);
    need.textContent = start.disabled
      ? "Labels can spread when there is one: label a picture first."
      : "Every picture gets the label of the labelled pictures that it is joined with, directly or through others (label propagation).";
  };
  labelling.on("labels", draw);
  draw();
  return el("div", {}, el("p", { class: "row" }, start), need, status, found);
}

interface Deciding {
  readonly labelling: Labelling;
  readonly classes: ClassList;
}

function drawFound(place: HTMLElement, arrived: readonly Arrived[], deciding: Deciding): void {
  const open = deciding.labelling.pictures.filter(isOpen).length;
  const words = `Labels arrived at ${arrived.length} of the ${open} pictures without one.`;
  const waiting = [...arrived].sort((a, b) => a.certainty - b.certainty);
  const list = el("ul", { class: "doubtful" });
  const left = el("p", { class: "aside", role: "status" });
  const fill = (): void => {
    while (list.children.length < SHOWN && waiting.length > 0) {
      const next = waiting.shift()!;
      if (isOpen(next.picture)) list.append(doubtful(next, deciding, fill));
    }
    const more = waiting.length > 0 ? ` ${waiting.length} surer ones follow.` : "";
    left.textContent =
      list.children.length > 0
        ? `The most doubtful come first.${more} Accept a label, correct it, or leave it as it is: what you accept or correct is a label that you gave.`
        : "You have looked at all of them.";
  };
  place.replaceChildren(el("p", { role: "status" }, words), left, list);
  fill();
}

function doubtful(
  { picture, label, certainty }: Arrived,
  { labelling, classes }: Deciding,
  onDone: () => void,
): HTMLElement {
  const trouble = el("div", {});
  const item = el("li", {});
  const done = (): void => {
    // The focus goes on to the next one.
    const next = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    onDone();
    next?.querySelector("button")?.focus();
  };
  const give = async (name: string): Promise<void> => {
    trouble.replaceChildren();
    try {
      await labelling.give(picture, name);
      done();
    } catch (error) {
      trouble.replaceChildren(errorBox(error, () => void give(name)));
    }
  };
  const { name } = picture;
  const others = classes.names
    .filter((each) => each !== label)
    .map((each) => [each, each] as const);
  const correct = choice([["", "Correct …"], ...others], "", (to) => to !== "" && void give(to));
  correct.setAttribute("aria-label", `The right class of ${name}`);
  item.append(
    pictureElement(picture),
    el(
      "div",
      {},
      el("strong", {}, `${label}? `),
      el("span", { class: "aside" }, `certainty ${certainty.toFixed(2)} of 1`),
      el(
        "div",
        { class: "row" },
        button("Accept", () => void give(label), { "aria-label": `Accept ${label} for ${name}` }),
        button("Leave", done, { class: "quiet", "aria-label": `Leave ${name} as it is` }),
        correct,
      ),
      trouble,
    ),
  );
  return item;
}
