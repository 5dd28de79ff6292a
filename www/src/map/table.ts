/** The map in words and numbers: as a table, and as a file. */
import { button, el } from "../element.js";
import type { Picture } from "../picture.js";
import { csv, download } from "../files.js";

/** Lines that are shown. */
const MAX_SHOWN = 100;

/** What of the map can be said in lines. */
export interface MapData {
  readonly pictures: readonly Picture[];
  readonly points: Float32Array;
  readonly predictions: readonly string[] | undefined;
  readonly selected: readonly number[];
}

const lines = ({ selected, pictures, points, predictions }: MapData): (string | number)[][] => {
  const indices = selected.length > 0 ? selected : pictures.map((_, index) => index);
  return indices.map((index) => {
    const { id, name, by, label } = pictures[index]!;
    const at = [0, 1].map((axis) => points[2 * index + axis]!.toFixed(4));
    return [id, name, by, label ?? "", predictions?.[index] ?? "", ...at];
  });
};

const HEAD = ["id", "name", "drawn by", "class", "guess", "x", "y"];

/** A button that saves the chosen pictures, or all. */
export function csvButton(state: MapData): HTMLElement {
  const saveCsv = (): void => download("map.csv", csv([HEAD, ...lines(state)]));
  return el("p", { class: "row" }, button("Save as CSV: what is chosen, else all", saveCsv));
}

export interface Table {
  readonly element: HTMLElement;
  /** Shows what the map shows now, if it is open. */
  draw(): void;
}

/** The chosen pictures, or the first of all, as a table that one opens. */
export function asTable(state: MapData): Table {
  const rows = el("div", {});
  const summary = el("summary", {}, "The map as a table");
  const element = el("details", { class: "as-table" }, summary, rows);
  const draw = (): void => rows.replaceChildren(...(element.open ? [tableOf(state)] : []));
  element.addEventListener("toggle", draw);
  return { element, draw };
}

function tableOf(state: MapData): HTMLElement {
  const all = lines(state);
  const cells = (line: readonly (string | number)[]): HTMLElement[] =>
    line.slice(1).map((value) => el("td", {}, String(value)));
  const rows = all.slice(0, MAX_SHOWN).map((line) => el("tr", {}, ...cells(line)));
  const chosen = state.selected.length > 0 ? " that are chosen" : "";
  const caption = `${rows.length} of ${all.length} pictures${chosen}.`;
  const head = HEAD.slice(1).map((word) => el("th", { scope: "col" }, word));
  return el(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": "Table of the map" },
    el(
      "table",
      {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...head)),
      el("tbody", {}, ...rows),
    ),
  );
}
