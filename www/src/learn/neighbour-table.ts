/** Six pinned pictures and their nearest, before and after something was learnt. */
import { KnnIndex, type ImageInput, type Pretraining } from "kith-web";
import { el } from "../element.js";
import { yieldToBrowser } from "../debounce.js";
import { pictureElement, type Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import type { Network } from "../network.js";

const QUERIES = 6;
const NEAREST = 7;
/** Pictures among which a run looks for neighbours: few enough to look often. */
const POOL = 300;
/** Pictures whose pixels are taken before the browser may answer. */
const CHUNK = 16;

export interface NeighbourTable {
  readonly element: HTMLElement;
  /** Looks again through the encoder as it is. */
  update(run: Pretraining): Promise<void>;
}

/** Pinned pictures of those that a run learns from. */
export function neighbourTable(pictures: readonly Picture[]): NeighbourTable {
  const pool = spread(pictures, POOL);
  const queries = spread(pool, QUERIES);
  const { element, fill } = table(queries, ["Nearest at the start", "Nearest now"]);
  let pixels: Promise<ImageInput[]> | undefined;
  let started = false;
  const update = async (run: Pretraining): Promise<void> => {
    pixels ??= pixelsInChunks(pool);
    const found = await run.embed(await pixels);
    const index = new KnnIndex(found.dim);
    index.add(
      found,
      pool.map(({ id }) => ({ id })),
    );
    for (const [i, { id }] of queries.entries()) {
      await yieldToBrowser();
      const row = found.row(pool.findIndex((picture) => picture.id === id));
      const [near = []] = index.query(row, { k: NEAREST, exclude: [id] });
      const nearest = near.map((each) => pool[each.index]!);
      if (!started) fill(i, 0, nearest);
      fill(i, 1, nearest);
    }
    started = true;
  };
  return { element, update };
}

/** Pixels of pictures, some at a time. */
async function pixelsInChunks(pictures: readonly Picture[]): Promise<ImageInput[]> {
  const found: ImageInput[] = [];
  for (const [index, picture] of pictures.entries()) {
    if (index % CHUNK === 0) await yieldToBrowser();
    found.push(await pixelsOf(picture));
  }
  return found;
}

/** The same pictures through two networks that are known beforehand. */
export function compareNetworks(
  pictures: readonly Picture[],
  networks: readonly Network[],
): HTMLElement {
  const queries = spread(spread(pictures, POOL), QUERIES);
  const { element, fill } = table(
    queries,
    networks.map(({ title }) => title),
  );
  networks.forEach((network, column) => {
    const index = network.index(pictures);
    queries.forEach((picture, i) => {
      const [near = []] = index.query(network.embeddings([picture]), {
        k: NEAREST,
        exclude: [picture.id],
      });
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
function table(queries: readonly Picture[], titles: readonly string[]) {
  const cells = queries.map(() => titles.map(() => el("td", {})));
  const rows = queries.map((picture, i) =>
    el("tr", {}, el("th", { scope: "row" }, pictureElement(picture)), ...cells[i]!),
  );
  const head = ["Pinned", ...titles].map((text) => el("th", { scope: "col" }, text));
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
  const fill = (row: number, column: number, near: readonly Picture[]): void =>
    cells[row]![column]!.replaceChildren(
      el("div", { class: "strip" }, ...near.map(pictureElement)),
    );
  return { element, fill };
}

/** So many of them, from all over. */
function spread(pictures: readonly Picture[], count: number): Picture[] {
  const some = Math.min(count, pictures.length);
  const at = (i: number): number => Math.floor(((i + 0.5) * pictures.length) / some);
  return Array.from({ length: some }, (_, i) => pictures[at(i)]!);
}
