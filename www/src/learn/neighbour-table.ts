/** A table of six pictures and their nearest neighbours before and after training. */
import { el } from "../element.js";
import { yieldToBrowser } from "../debounce.js";
import { counterpart } from "../gallery.js";
import { pictureElement, type Picture } from "../picture.js";
import type { Network } from "../network.js";
import { rankOf } from "../rank.js";
import { indexOf, type Rows } from "./scores.js";

/** Pictures whose neighbours are shown, and neighbours of each. */
export const QUERIES = 6;
export const NEAREST = 7;
/** Pictures of one's own among which a run finds neighbours. */
const POOL = 300;

export interface NeighbourTable {
  readonly element: HTMLElement;
  /** Shows the neighbours by these embeddings of the pictures that are searched. */
  update(rows: Rows): Promise<void>;
}

/**
 * Pictures among which a run finds neighbours while it goes on: of one's own, few, since they are decoded
 * anew each time.
 */
export const searched = (pictures: readonly Picture[]): readonly Picture[] =>
  pictures[0]?.file ? spread(pictures, POOL) : pictures;

/** A table of six pictures; `before` is said above the neighbours that are shown first. */
export function neighbourTable(pool: readonly Picture[], before: string): NeighbourTable {
  const queries = spread(spread(pool, POOL), QUERIES);
  const { element, fill } = table(queries, [before, "Nearest now"]);
  let first = true;
  const update = async (rows: Rows): Promise<void> => {
    const { data, dim } = rows;
    const index = await indexOf(pool, rows);
    const each = pool.map((_, at) => data.subarray(at * dim, (at + 1) * dim));
    for (const [i, query] of queries.entries()) {
      await yieldToBrowser();
      const at = pool.indexOf(query);
      const [near = []] = index.query(each[at]!, { k: NEAREST, exclude: [query.id] });
      const nearest = near.map((neighbour) => pool[neighbour.index]!);
      const wanted = counterpart(pool, query);
      const place = wanted && rankOf(each, at, pool.indexOf(wanted));
      if (first) fill(i, 0, nearest, { wanted, place });
      fill(i, 1, nearest, { wanted, place });
    }
    first = false;
  };
  return { element, update };
}

/** A table of the same pictures for several networks whose embeddings are known. */
export function compareNetworks(
  pictures: readonly Picture[],
  networks: readonly Network[],
): HTMLElement {
  const queries = spread(spread(pictures, POOL), QUERIES);
  const { element, fill } = table(
    queries,
    networks.map(({ title }) => title),
  );
  const compare = async (): Promise<void> => {
    for (const [column, network] of networks.entries()) {
      const index = await network.indexInParts(pictures);
      for (const [i, picture] of queries.entries()) {
        const row = network.embeddings([picture]);
        const [near = []] = index.query(row, { k: NEAREST, exclude: [picture.id] });
        fill(
          i,
          column,
          near.map((each) => pictures[each.index]!),
        );
      }
    }
  };
  void compare();
  return element;
}

/** The other drawing of the same emoji, and the number at which it comes among the neighbours. */
interface Wanted {
  readonly wanted?: Picture | undefined;
  readonly place?: number | undefined;
}

const placeInWords = (place: number): string =>
  place === 1
    ? "The other vendor's drawing is the nearest."
    : `The other vendor's drawing is number ${place.toLocaleString("en")}.`;

/** A neighbour; the other drawing of the same emoji has a frame. */
function marked(picture: Picture, wanted: Picture | undefined): HTMLElement {
  const made = pictureElement(picture);
  if (picture === wanted) made.classList.add("other-vendor");
  return made;
}

/** A row for each picture, a column of neighbours for each title. */
export function table(queries: readonly Picture[], titles: readonly string[]) {
  const cells = queries.map(() => titles.map(() => el("td", {})));
  const rows = queries.map((picture, i) =>
    el("tr", {}, el("th", { scope: "row" }, pictureElement(picture)), ...cells[i]!),
  );
  const head = ["Picture", ...titles].map((text) => el("th", { scope: "col" }, text));
  const element = el(
    "div",
    { class: "wide" },
    el(
      "table",
      { class: "neighbour-table" },
      el("thead", {}, el("tr", {}, ...head)),
      el("tbody", {}, ...rows),
    ),
  );
  const fill = (
    row: number,
    column: number,
    near: readonly Picture[],
    { wanted, place }: Wanted = {},
  ): void => {
    const shown = near.map((picture) => marked(picture, wanted));
    const words = place === undefined ? [] : [el("small", {}, placeInWords(place))];
    cells[row]![column]!.replaceChildren(el("div", { class: "strip" }, ...shown), ...words);
  };
  return { element, fill };
}

/** `count` pictures, evenly spaced. */
function spread(pictures: readonly Picture[], count: number): Picture[] {
  const some = Math.min(count, pictures.length);
  const at = (i: number): number => Math.floor(((i + 0.5) * pictures.length) / some);
  return Array.from({ length: some }, (_, i) => pictures[at(i)]!);
}
