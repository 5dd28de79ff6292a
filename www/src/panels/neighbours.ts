/** Neighbours: what lies near a picture, for the trained network and for one that learnt nothing. */
import type { KnnIndex, SupportNeighbor } from "kith-web";
import { remember, setting } from "../address.js";
import { bringing } from "../bring.js";
import type { Desk } from "../desk.js";
import { el, percent } from "../element.js";
import { counterpart } from "../gallery.js";
import { grid, type Cell } from "../grid.js";
import { loading } from "../loading.js";
import { lookOf, wordsOf } from "../palette.js";
import { picker } from "../picker.js";
import { shown, type Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import type { Sight } from "../sight.js";
import { trouble } from "../trouble.js";
import { shownWork } from "../work.js";

/** Neighbours that are shown. */
const K = 8;

export function neighbours(root: HTMLElement, desk: Desk, left: AbortSignal): void {
  let query = desk.picture(setting("picture", "")) ?? startOf(desk);
  let indices = indicesOf(desk);
  const stage = el("div", { class: "stage" });
  const work = el("div", {});
  const draw = (): void => {
    stage.replaceChildren(asked(query, desk), ...columns(desk, indices, query, choose));
    void support(stage.querySelector(".support")!, desk, query, left);
  };
  const choose = (picture: Picture): void => {
    query = picture;
    // The visitor's pictures have no place in an address that others open.
    remember({ picture: picture.file ? undefined : picture.id });
    if (desk.sight.knows(picture)) draw();
    else void shownWork(work, "Looking at the picture", (call) => desk.look(call).then(draw));
  };
  const renew = (): void => {
    indices = indicesOf(desk);
    if (!desk.picture(query.id)) query = startOf(desk);
    shelf.draw();
    if (desk.sight.knows(query)) draw();
  };
  const shelf = picker(() => [...desk.own.toReversed(), ...desk.gallery], choose);
  const bring = bringing((files) => {
    const fresh = desk.bring(files).at(-1);
    if (fresh && desk.encoder) choose(fresh);
    else if (fresh) waiting = fresh;
  }, left);
  let waiting: Picture | undefined;
  desk.on("pictures", renew, left);
  desk.on("sight", () => (renew(), waiting && desk.sight.knows(waiting) && choose(waiting)), left);
  root.replaceChildren(
    stage,
    work,
    el("h2", {}, "Ask about another picture"),
    loading(desk, "Pictures of your own need the network itself.", left),
    bring,
    shelf.element,
  );
  draw();
}

/** A picture that the network did not learn from, so that what is shown first is no memory. */
function startOf({ gallery, trained }: Desk): Picture {
  const cat = gallery.find(({ name }) => name === "cat face");
  const held = trained.facts!.heldOut;
  return cat && held.includes(gallery.indexOf(cat)) ? cat : gallery[held[held.length >> 1] ?? 0]!;
}

interface Indices {
  readonly sight: KnnIndex;
  readonly random: KnnIndex;
}

const indicesOf = (desk: Desk): Indices => ({
  sight: desk.sight.index(desk.all),
  random: desk.random.index(desk.all),
});

function asked(query: Picture, { trained }: Desk): HTMLElement {
  const place = query.file ? -1 : Number(query.id.slice(1));
  const held = trained.facts!.heldOut.includes(place);
  return el(
    "figure",
    { class: "asked" },
    shown(query),
    el("figcaption", {}, el("strong", {}, query.name), query.by && ` by ${query.by}`),
    held && el("p", { class: "aside" }, "The network never saw this picture while it learnt."),
    el("div", { class: "support" }),
  );
}

function columns(
  desk: Desk,
  indices: Indices,
  query: Picture,
  choose: (picture: Picture) => void,
): HTMLElement[] {
  const left = column(desk.sight, indices.sight, { desk, query, choose });
  if (desk.sight === desk.random) return [left];
  return [left, column(desk.random, indices.random, { desk, query, choose })];
}

interface Asked {
  readonly desk: Desk;
  readonly query: Picture;
  readonly choose: (picture: Picture) => void;
}

function column(sight: Sight, index: KnnIndex, { desk, query, choose }: Asked): HTMLElement {
  const head = el("h2", {}, sight.title);
  const pair = counterpart(desk.gallery, query);
  if (!sight.knows(query)) {
    return el("div", {}, head, el("p", { class: "aside" }, "It has not looked at this picture."));
  }
  const [found = []] = index.query(sight.rows([query]), { k: K, exclude: [query.id] });
  const classes = wordsOf(desk.all.map(({ label }) => label));
  const cells = found.map(({ id, similarity }) => ({
    ...classed(desk.picture(id)!, classes),
    note: similarity.toFixed(2),
    ...(id === pair?.id && { mark: "the same emoji by the other vendor" }),
  }));
  return el("div", {}, head, grid(`Nearest for: ${sight.title}`, cells, choose), verdict(sight));
}

/** A picture with the look of its class, if it has one. */
function classed(picture: Picture, classes: readonly string[]): Pick<Cell, "picture" | "look"> {
  const { label } = picture;
  return { picture, ...(label !== null && { look: lookOf(classes.indexOf(label)) }) };
}

function verdict({ facts }: Sight): HTMLElement | null {
  if (!facts) return null;
  const share = percent(facts.retrieval);
  const words = `Of the emoji that neither network learnt from, it finds the other vendor's drawing first for ${share}.`;
  return el("p", { class: "aside" }, words);
}

/** For a network with a support set: the row that training would take as the positive. */
async function support(
  place: Element,
  { encoder }: Desk,
  query: Picture,
  signal: AbortSignal,
): Promise<void> {
  if (!encoder || encoder.info.supportSet === 0) return;
  try {
    const projection = await encoder.embed(await pixelsOf(query), { layer: "projection", signal });
    const [found = []] = await encoder.supportNeighbors(projection, { k: 3, signal });
    place.replaceChildren(
      el("p", { class: "aside" }, "Its neighbours in the support set:"),
      listed(found),
    );
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(trouble(error));
  }
}

function listed(found: readonly SupportNeighbor[]): HTMLElement {
  const line = ({ index, similarity, label }: SupportNeighbor, rank: number): HTMLElement => {
    const positive = rank === 0 ? ": the positive that training would take" : "";
    return el(
      "li",
      {},
      `${similarity.toFixed(2)}, row ${index}${label ? `, ${label}` : ""}${positive}`,
    );
  };
  return el("ol", { class: "aside" }, ...found.map(line));
}
