/** The map as a table and as a CSV file. */
import { button, el } from "../element.js";
import type { Picture } from "../picture.js";
import { csv, download } from "../files.js";

/** Rows shown. */
const MAX_SHOWN = 100;

/** The data of the map. */
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

const HEAD = ["id", "name", "drawn by", "class", "prediction", "x", "y"];

/** A button that saves the selected pictures, or all if none are selected. */
export function csvButton(state: MapData): HTMLElement {
  const saveCsv = (): void => download("map.csv", csv([HEAD, ...lines(state)]));
  return el("p", { class: "row" }, button("Save the selection, or all, as CSV", saveCsv));
}

export interface Table {
  readonly element: HTMLElement;
  /** Draws the rows again, if the table is open. */
  draw(): void;
}

/** A table that can be opened: the selected pictures, or the first of all. */
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
  const chosen = state.selected.length > 0 ? " that are selected" : "";
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
