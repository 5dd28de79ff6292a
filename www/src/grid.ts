/** Pictures in a grid that one walks through with the arrow keys. */
import { el } from "./element.js";
import { swatch, type Look } from "./palette.js";
import { described, shown, type Picture } from "./picture.js";

export interface Cell {
  readonly picture: Picture;
  /** A line below it. */
  readonly note?: string;
  /** What the frame around it says, for those who see it and those who do not. */
  readonly mark?: string;
  /** How its class is drawn, here as on the map. */
  readonly look?: Look;
}

/** A grid of buttons, one a picture; one of them at a time is in the order of tabs. */
export function grid(
  name: string,
  cells: readonly Cell[],
  chosen: (picture: Picture) => void,
): HTMLElement {
  const buttons = cells.map((cell, place) => cellButton(cell, place, chosen));
  const list = el("div", { class: "grid", role: "group", "aria-label": name }, ...buttons);
  list.addEventListener("keydown", (event) => walk(event, list, buttons));
  return list;
}

function cellButton(
  { picture, note, mark, look }: Cell,
  place: number,
  chosen: (picture: Picture) => void,
): HTMLButtonElement {
  const image = shown(picture);
  image.removeAttribute("aria-label");
  if (image instanceof HTMLImageElement) image.alt = "";
  else image.role = "presentation";
  const words = [described(picture), mark, note].filter(Boolean).join("; ");
  return el(
    "button",
    {
      type: "button",
      class: mark ? "cell marked" : "cell",
      tabindex: place === 0 ? 0 : -1,
      "aria-label": words,
      title: picture.name,
      onclick: () => chosen(picture),
    },
    image,
    note &&
      el("span", { class: "cell-note", "aria-hidden": "true" }, look && swatch(look, 12), note),
  );
}

const ALONG: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };
const ACROSS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

function walk(
  event: KeyboardEvent,
  list: HTMLElement,
  buttons: readonly HTMLButtonElement[],
): void {
  const from = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
  const step = ALONG[event.key] ?? (ACROSS[event.key] ?? 0) * columns;
  const ends: Readonly<Record<string, number>> = { Home: 0, End: buttons.length - 1 };
  const to = buttons[ends[event.key] ?? (step === 0 ? -1 : from + step)];
  if (from < 0 || !to) return;
  event.preventDefault();
  buttons[from]!.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}
