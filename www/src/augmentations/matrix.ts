/** The similarities of the views of a small batch: positives and negatives. */
import type { AugmentationOp, Encoder } from "kith-web";
import { el } from "../element.js";
import type { Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import { viewCanvas } from "./view-canvas.js";

/** Pictures in the batch. */
const BATCH = 6;

export interface Batch {
  readonly encoder: Encoder;
  readonly gallery: readonly Picture[];
  /** The first picture of the batch. */
  readonly picture: Picture;
  readonly ops: readonly AugmentationOp[];
  readonly seed: number;
  readonly signal: AbortSignal;
}

/**
 * Draws the similarities between two views of each picture, in the space that the objective
 * compares; by embeddings, where an encoder of others came without one.
 */
export async function drawMatrix(container: HTMLElement, batch: Batch): Promise<void> {
  const { encoder, ops, seed, signal } = batch;
  const pictures = [batch.picture, ...others(batch.gallery, batch.picture)];
  const seen: [ImageData, ImageData][] = [];
  for (const [image, picture] of pictures.entries()) {
    const options = { views: 2, seed, image, ops, signal };
    seen.push((await encoder.augment(await pixelsOf(picture), options)) as [ImageData, ImageData]);
  }
  const layer = encoder.info.hasProjection ? "projection" : "backbone";
  const options = { layer, signal } as const;
  const rows = await encoder.embed(
    seen.map(([view]) => view),
    options,
  );
  const columns = await encoder.embed(
    seen.map(([, view]) => view),
    options,
  );
  const cosine = (i: number, j: number): number =>
    rows.row(i).reduce((sum, x, k) => sum + x * columns.row(j)[k]!, 0);
  const head = seen.map(([, view], i) =>
    el("th", { scope: "col" }, viewCanvas(view, `${pictures[i]!.name}, second view`)),
  );
  const lines = seen.map(([view], i) => {
    const cells = seen.map((_, j) => similarity(cosine(i, j), i === j));
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, viewCanvas(view, `${pictures[i]!.name}, first view`)),
      ...cells,
    );
  });
  const caption =
    "How similar two views are to this network. Framed cells are positives: two views of one picture, which training pulls together. All others are negatives, which it pushes apart.";
  const table = el(
    "table",
    { class: "confusion similarities", "aria-label": "Similarities of a small batch" },
    el("thead", {}, el("tr", {}, el("td", {}), ...head)),
    el("tbody", {}, ...lines),
  );
  container.replaceChildren(
    el("p", { class: "aside" }, caption),
    el("div", { class: "wide" }, table),
  );
}

function similarity(value: number, positive: boolean): HTMLElement {
  const text = value.toFixed(2);
  const cell = el("td", { class: positive ? "positive" : "" }, text);
  cell.style.setProperty("--share", String(0.75 * Math.max(value, 0) ** 2));
  if (positive) cell.ariaLabel = `${text}, positive`;
  return cell;
}

/** Pictures far from each other in the gallery, so that the batch is varied. */
function others(gallery: readonly Picture[], picture: Picture): Picture[] {
  const step = Math.floor(gallery.length / BATCH);
  const spread = Array.from({ length: BATCH }, (_, i) => gallery[(i * step + step / 2) | 0]!);
  return spread.filter(({ id }) => id !== picture.id).slice(0, BATCH - 1);
}
