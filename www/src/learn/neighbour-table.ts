/** A table of six pictures and their nearest neighbours before and after training. */
import { KnnIndex, type ImageInput, type Pretraining } from "kith-web";
import { el } from "../element.js";
import { yieldToBrowser } from "../debounce.js";
import { pictureElement, type Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import type { Network } from "../network.js";

/** Pictures whose neighbours are shown, and neighbours of each. */
export const QUERIES = 6;
export const NEAREST = 7;
/** Pictures among which a run finds neighbours: few, so that updates are fast. */
const POOL = 300;
/** Pictures whose pixels are read before the browser may handle events. */
const CHUNK = 16;

export interface NeighbourTable {
  readonly element: HTMLElement;
  /** Finds the neighbours with the encoder as it is now. */
  update(run: Pretraining): Promise<void>;
}

/** A table of some of the pictures that a run trains on. */
export function neighbourTable(pictures: readonly Picture[]): NeighbourTable {
  const pool = spread(pictures, POOL);
  const queries = spread(pool, QUERIES);
  const { element, fill } = table(queries, ["Nearest at the start", "Nearest now"]);
  let pixels: Promise<ImageInput[]> | undefined;
  let started = false;
  const update = async (run: Pretraining): Promise<void> => {
    pixels ??= pixelsInChunks(pool);
    const embeddings = await run.embed(await pixels);
    const index = new KnnIndex(embeddings.dim);
    index.add(
      embeddings,
      pool.map(({ id }) => ({ id })),
    );
    for (const [i, { id }] of queries.entries()) {
      await yieldToBrowser();
      const row = embeddings.row(pool.findIndex((picture) => picture.id === id));
      const [near = []] = index.query(row, { k: NEAREST, exclude: [id] });
      const nearest = near.map((each) => pool[each.index]!);
      if (!started) fill(i, 0, nearest);
      fill(i, 1, nearest);
    }
    started = true;
  };
  return { element, update };
}

/** Pixels of pictures, read in chunks. */
async function pixelsInChunks(pictures: readonly Picture[]): Promise<ImageInput[]> {
  const pixels: ImageInput[] = [];
  for (const [index, picture] of pictures.entries()) {
    if (index % CHUNK === 0) await yieldToBrowser();
    pixels.push(await pixelsOf(picture));
  }
  return pixels;
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
    shown: (picture: Picture) => HTMLElement = pictureElement,
  ): void =>
    cells[row]![column]!.replaceChildren(el("div", { class: "strip" }, ...near.map(shown)));
  return { element, fill };
}

/** `count` pictures, evenly spaced. */
function spread(pictures: readonly Picture[], count: number): Picture[] {
  const some = Math.min(count, pictures.length);
  const at = (i: number): number => Math.floor(((i + 0.5) * pictures.length) / some);
  return Array.from({ length: some }, (_, i) => pictures[at(i)]!);
}
