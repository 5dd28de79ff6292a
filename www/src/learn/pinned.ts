/** Six pinned pictures and their nearest, before and after something was learnt. */
import { KnnIndex, type ImageInput, type Pretraining } from "kith-web";
import { el } from "../element.js";
import { breath } from "../latest.js";
import { shown, type Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import type { Sight } from "../sight.js";

const PINNED = 6;
const NEAREST = 7;
/** Pictures among which a run looks for neighbours: few enough to look often. */
const POOL = 300;
/** Pictures whose pixels are taken before the browser may answer. */
const AT_A_TIME = 16;

export interface Pinned {
  readonly element: HTMLElement;
  /** Looks again through the encoder as it is. */
  look(run: Pretraining): Promise<void>;
}

/** Pinned pictures of those that a run learns from. */
export function pinned(pictures: readonly Picture[]): Pinned {
  const pool = spread(pictures, POOL);
  const six = spread(pool, PINNED);
  const { element, fill } = table(six, ["Nearest at the start", "Nearest now"]);
  let pixels: Promise<ImageInput[]> | undefined;
  let begun = false;
  const look = async (run: Pretraining): Promise<void> => {
    pixels ??= gathered(pool);
    const found = await run.embed(await pixels);
    const index = new KnnIndex(found.dim);
    index.add(
      found,
      pool.map(({ id }) => ({ id })),
    );
    for (const [i, { id }] of six.entries()) {
      await breath();
      const row = found.row(pool.findIndex((picture) => picture.id === id));
      const [near = []] = index.query(row, { k: NEAREST, exclude: [id] });
      const own = near.map((each) => pool[each.index]!);
      if (!begun) fill(i, 0, own);
      fill(i, 1, own);
    }
    begun = true;
  };
  return { element, look };
}

/** Pixels of pictures, some at a time. */
async function gathered(pictures: readonly Picture[]): Promise<ImageInput[]> {
  const found: ImageInput[] = [];
  for (const [place, picture] of pictures.entries()) {
    if (place % AT_A_TIME === 0) await breath();
    found.push(await pixelsOf(picture));
  }
  return found;
}

/** The same pictures through two networks that are known beforehand. */
export function compared(pictures: readonly Picture[], sights: readonly Sight[]): HTMLElement {
  const six = spread(spread(pictures, POOL), PINNED);
  const { element, fill } = table(
    six,
    sights.map(({ title }) => title),
  );
  sights.forEach((sight, column) => {
    const index = sight.index(pictures);
    six.forEach((picture, i) => {
      const [near = []] = index.query(sight.rows([picture]), { k: NEAREST, exclude: [picture.id] });
      fill(
        i,
        column,
        near.map((each) => pictures[each.index]!),
      );
    });
  });
  return element;
}

/** A row a picture, a column of neighbours a title. */
function table(six: readonly Picture[], titles: readonly string[]) {
  const cells = six.map(() => titles.map(() => el("td", {})));
  const rows = six.map((picture, i) =>
    el("tr", {}, el("th", { scope: "row" }, shown(picture)), ...cells[i]!),
  );
  const head = ["Pinned", ...titles].map((words) => el("th", { scope: "col" }, words));
  const element = el(
    "div",
    { class: "wide" },
    el(
      "table",
      { class: "pinned" },
      el("thead", {}, el("tr", {}, ...head)),
      el("tbody", {}, ...rows),
    ),
  );
  const fill = (row: number, column: number, near: readonly Picture[]): void =>
    cells[row]![column]!.replaceChildren(el("div", { class: "strip" }, ...near.map(shown)));
  return { element, fill };
}

/** So many of them, from all over. */
function spread(pictures: readonly Picture[], count: number): Picture[] {
  const some = Math.min(count, pictures.length);
  const at = (i: number): number => Math.floor(((i + 0.5) * pictures.length) / some);
  return Array.from({ length: some }, (_, i) => pictures[at(i)]!);
}
