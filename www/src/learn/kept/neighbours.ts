/** The neighbours of the same pictures for two kept runs, next to each other. */
import { KnnIndex } from "kith-web";
import type { AppState } from "../../app-state.js";
import { yieldToBrowser } from "../../debounce.js";
import { button, el } from "../../element.js";
import { counterpart } from "../../gallery.js";
import { picker } from "../../picker.js";
import type { Picture } from "../../picture.js";
import { NEAREST, QUERIES, table } from "../neighbour-table.js";
import type { KeptRun } from "./kept-runs.js";
import { titleOf } from "./titles.js";

/** Fewest pictures that two runs must share. */
const FEWEST = QUERIES + NEAREST;

/** The table, with ways to other pictures; or why there is none. */
export function sameNeighbours(app: AppState, runs: readonly [KeptRun, KeptRun]): HTMLElement {
  const known = new Map(app.all.map((picture) => [picture.id, picture]));
  const second = new Set(runs[1].ids);
  const shared = runs[0].ids.flatMap((id) => (second.has(id) ? (known.get(id) ?? []) : []));
  if (shared.length < FEWEST) return el("p", { class: "aside" }, nothingShared(shared.length));
  const words = `Neighbours are looked up among the ${shared.length} pictures that both runs learnt from.`;
  const framed = shared[0]!.file === undefined;
  const place = el("div", {});
  let turn = 0;
  let pinned: readonly Picture[] = [];
  const indices = runs.map((run) => indexOf(run, shared));
  const draw = async (): Promise<void> => {
    const others = some(shared, turn).filter((picture) => !pinned.includes(picture));
    const queries = [...pinned, ...others].slice(0, QUERIES);
    const { element, fill } = table(queries, runs.map(titleOf));
    place.replaceChildren(element);
    for (const [row, query] of queries.entries()) {
      await yieldToBrowser();
      const wanted = counterpart(app.gallery, query);
      for (const [column, { index, rowOf }] of indices.entries()) {
        const [near = []] = index.query(rowOf(query), { k: NEAREST, exclude: [query.id] });
        const pictures = near.map((each) => shared[each.index]!);
        fill(row, column, pictures, { wanted });
      }
    }
  };
  const others = (): void => {
    turn += 1;
    pinned = [];
    void draw();
  };
  const pin = (picture: Picture): void => {
    pinned = [picture, ...pinned.filter((each) => each !== picture)].slice(0, QUERIES);
    void draw();
  };
  void draw();
  return el(
    "div",
    {},
    el(
      "p",
      { class: "aside" },
      framed ? `${words} A frame marks the same emoji by the other vendor.` : words,
    ),
    place,
    el("p", { class: "row" }, button("Six other pictures", others)),
    choosing(shared, pin),
  );
}

/** A picker, drawn when it is opened: what is chosen comes first in the table. */
function choosing(shared: readonly Picture[], pin: (picture: Picture) => void): HTMLElement {
  const place = el("div", {});
  const words = "Choose pictures for the table";
  const element = el("details", {}, el("summary", {}, words), place);
  element.addEventListener("toggle", () => {
    if (element.open && !place.firstChild) place.append(picker(() => shared, pin).element);
  });
  return element;
}

const nothingShared = (count: number): string =>
  `Both runs have ${count} pictures in common that are still here; ${FEWEST} are needed to show neighbours.`;

/** Embeddings of those pictures that both runs have. */
function indexOf({ ids, rows, dim }: KeptRun, shared: readonly Picture[]) {
  const place = new Map(ids.map((id, at) => [id, at]));
  const rowOf = ({ id }: Picture): Float32Array => {
    const at = place.get(id)!;
    return rows.subarray(at * dim, (at + 1) * dim);
  };
  const data = new Float32Array(shared.length * dim);
  shared.forEach((picture, at) => data.set(rowOf(picture), at * dim));
  const index = new KnnIndex(dim);
  index.add(
    data,
    shared.map(({ id }) => ({ id })),
  );
  return { index, rowOf };
}

/** Six pictures from all over; others each turn. */
function some(pictures: readonly Picture[], turn: number): Picture[] {
  const golden = 0.618034;
  const at = (i: number): number => ((i + 0.5) / QUERIES + (turn * golden) / QUERIES) % 1;
  return Array.from({ length: QUERIES }, (_, i) => pictures[Math.floor(at(i) * pictures.length)]!);
}
