/** A grid of pictures with arrow key navigation. */
import { el } from "./element.js";
import { swatch, type Marker } from "./palette.js";
import { describe, pictureElement, type Picture } from "./picture.js";

export interface Cell {
  readonly picture: Picture;
  /** A line below the picture. */
  readonly note?: string;
  /** What a frame around the picture means; screen readers say it. */
  readonly mark?: string;
  /** The marker of its class, the same as on the map. */
  readonly marker?: Marker;
}

/** A grid of buttons, one per picture; the tab key reaches one of them. */
export function grid(
  name: string,
  cells: readonly Cell[],
  onSelect: (picture: Picture) => void,
): HTMLElement {
  const buttons = cells.map((cell, index) => cellButton(cell, index, onSelect));
  const list = el("div", { class: "grid", role: "group", "aria-label": name }, ...buttons);
  list.addEventListener("keydown", (event) => moveFocus(event, list, buttons));
  return list;
}

function cellButton(
  { picture, note, mark, marker }: Cell,
  index: number,
  onSelect: (picture: Picture) => void,
): HTMLButtonElement {
  const image = pictureElement(picture);
  image.removeAttribute("aria-label");
  if (image instanceof HTMLImageElement) image.alt = "";
  else image.role = "presentation";
  const text = [describe(picture), mark, note].filter(Boolean).join("; ");
  return el(
    "button",
    {
      type: "button",
      class: mark ? "cell marked" : "cell",
      tabindex: index === 0 ? 0 : -1,
      "aria-label": text,
      title: picture.name,
      onclick: () => onSelect(picture),
    },
    image,
    note &&
      el("span", { class: "cell-note", "aria-hidden": "true" }, marker && swatch(marker, 12), note),
  );
}

const HORIZONTAL: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };
const VERTICAL: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

function moveFocus(
  event: KeyboardEvent,
  list: HTMLElement,
  buttons: readonly HTMLButtonElement[],
): void {
  const from = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const step = HORIZONTAL[event.key] ?? (VERTICAL[event.key] ?? 0) * columns;
  const ends: Readonly<Record<string, number>> = { Home: 0, End: buttons.length - 1 };
  const to = buttons[ends[event.key] ?? (step === 0 ? -1 : from + step)];
  if (from < 0 || !to) return;
  event.preventDefault();
  buttons[from]!.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}
