/** Neighbours: the nearest pictures to a picture, for the open network and for the untrained one. */
import type { KnnIndex, SupportNeighbor } from "kith-web";
import { remember } from "../address.js";
import { pictureInput } from "../picture-input.js";
import type { AppState } from "../app-state.js";
import { debounced } from "../debounce.js";
import { button, el, percent } from "../element.js";
import { chooseFiles } from "../files.js";
import { counterpart } from "../gallery.js";
import { grid, type Cell } from "../grid.js";
import { loadOffer } from "../load-offer.js";
import { nextExample, rankSentence, rule } from "../neighbours/examples.js";
import { sorting } from "../own/groups.js";
import { keptLine } from "../own/kept-line.js";
import { embedOwn, takePictures } from "../own/take.js";
import { markerOf, distinctLabels } from "../palette.js";
import { picker } from "../picker.js";
import { pictureElement, type Picture } from "../picture.js";
import { pixelsOf } from "../pixels.js";
import type { Network } from "../network.js";
import { errorBox } from "../error-box.js";
import { withProgress } from "../progress.js";

/** Neighbours shown. */
const K = 8;
const OFFER = "The numbers above came with the page. Load the network to compute new ones here.";
const LEGEND =
  "The number below a picture says how alike the network finds the two: 1 is the same. The mark before it is the picture's category.";

export function neighbours(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  void freshIndices(app).then((indices) => {
    if (!closed.aborted) open(root, app, { indices, closed });
  });
}

/** Indices of the network and the pictures as they are when they are done. */
async function freshIndices(app: AppState): Promise<Indices> {
  for (;;) {
    let stale = false;
    const building = new AbortController();
    for (const event of ["network", "pictures"] as const) {
      app.on(event, () => (stale = true), building.signal);
    }
    const indices = await buildIndices(app);
    building.abort();
    if (!stale) return indices;
  }
}

interface Opening {
  readonly indices: Indices;
  readonly closed: AbortSignal;
}

function open(root: HTMLElement, app: AppState, opening: Opening): void {
  const { closed } = opening;
  let { indices } = opening;
  let query = app.pictureInAddress() ?? nextExample(app);
  const words = el("div", { class: "about" });
  const comparison = el("div", { class: "comparison" });
  const [status, taken] = [el("div", {}), el("div", {})];
  const draw = async (): Promise<void> => {
    const asked = query;
    const said = await rankSentence(app, query);
    if (asked !== query || closed.aborted) return;
    const next = (): void => setQuery(nextExample(app, query));
    words.replaceChildren(...about(app, { query, said, next, take }));
    comparison.replaceChildren(queryFigure(query, app), ...columns(app, indices, query, setQuery));
    void showSupport(comparison.querySelector(".support")!, app, query, closed);
  };
  // Of a large network not all pictures of the gallery have an embedding.
  const show = (): void => {
    if (app.network.hasEmbedding(query)) void draw();
    else if (query.file) embedOwn(app, status, draw);
    else
      void withProgress(status, "Computing the embedding", (call) =>
        app.embedPicture(query, call).then(draw),
      );
  };
  const setQuery = (picture: Picture): void => {
    query = picture;
    // An address that is shared must not name the user's pictures.
    remember({ picture: picture.file ? undefined : picture.id });
    show();
  };
  const refresh = debounced(async (signal) => {
    const built = await buildIndices(app);
    if (signal.aborted) return;
    indices = built;
    if (!app.picture(query.id)) query = nextExample(app);
    pictureList.draw();
    if (app.network.hasEmbedding(query) || app.encoder) show();
  }, closed);
  const pictureList = picker(() => [...app.userPictures.toReversed(), ...app.gallery], setQuery);
  const take = (files: readonly File[]): void => {
    takePictures(app, files, { status: taken, then: (added) => setQuery(added.at(-1)!) });
    taken.scrollIntoView({ block: "nearest" });
  };
  app.on("pictures", refresh, closed);
  app.on("network", refresh, closed);
  const parts = [
    words,
    comparison,
    el("p", { class: "aside" }, LEGEND),
    status,
    ownPictures(app, { take, taken, onSelect: setQuery, closed }),
    el("section", {}, el("h2", {}, "Choose another picture"), pictureList.element),
    loadOffer(app, OFFER, closed),
  ];
  void draw().then(() => root.replaceChildren(...parts));
  if (app.encoder && !app.network.hasEmbedding(query)) show();
  const dropped = app.takeDroppedPictures();
  if (dropped.length > 0) take(dropped);
}

interface Own {
  readonly take: (files: readonly File[]) => void;
  /** Where it is said what becomes of the files. */
  readonly taken: HTMLElement;
  readonly onSelect: (picture: Picture) => void;
  readonly closed: AbortSignal;
}

function ownPictures(app: AppState, { take, taken, onSelect, closed }: Own): HTMLElement {
  return el(
    "section",
    { class: "own" },
    el("h2", {}, "Your own pictures"),
    pictureInput(take, closed),
    taken,
    sorting(app, { onSelect, closed }),
    keptLine(app, closed),
  );
}

interface Said {
  readonly query: Picture;
  readonly said: string | undefined;
  readonly next: () => void;
  readonly take: (files: readonly File[]) => void;
}

/** What the picture shows, by which rule it was chosen, and what can be seen next. */
function about(app: AppState, { query, said, next, take }: Said): HTMLElement[] {
  const words = said ?? `What two networks find most like “${query.name}”.`;
  const why = rule(app, query);
  return [
    el("p", { class: "lead", role: "status" }, ...withStrongNumbers(words)),
    el(
      "p",
      { class: "row" },
      button("Another example", next),
      button("Use my own pictures", () => chooseFiles("image/*", take)),
      why && el("span", { class: "aside rule" }, why),
    ),
  ];
}

/** The words, with the numbers that matter made strong. */
const withStrongNumbers = (words: string): (string | HTMLElement)[] =>
  words
    .split(/(number [\d,]+)/)
    .map((part, place) => (place % 2 === 1 ? el("strong", {}, part) : part));

/** An index, and the network whose embeddings it has. */
interface Indexed {
  readonly network: Network;
  readonly index: KnnIndex;
}

interface Indices {
  readonly open: Indexed;
  /** Of the untrained network; undefined if that is the open one. */
  readonly random: Indexed | undefined;
}

/** Built in parts: it takes a moment, in which the browser must not stand still. */
async function buildIndices({ all, network, random }: AppState): Promise<Indices> {
  const indexed = async (network: Network): Promise<Indexed> => ({
    network,
    index: await network.indexInParts(all),
  });
  const open = await indexed(network);
  return { open, random: network === random ? undefined : await indexed(random) };
}

function queryFigure(query: Picture, app: AppState): HTMLElement {
  const { gallery, network, trained } = app;
  const pair = counterpart(gallery, query);
  const index = query.file ? -1 : Number(query.id.slice(1));
  // Of other networks the page does not know what they were trained on.
  const heldOut = network === trained && trained.metadata!.heldOut.includes(index);
  return el(
    "figure",
    { class: "query" },
    pictureElement(query),
    el("figcaption", {}, el("strong", {}, query.name), query.by && ` by ${query.by}`),
    heldOut && el("p", { class: "aside" }, "The network was not trained on this picture."),
    pair &&
      el("p", { class: "pair aside" }, pictureElement(pair), `Its other drawing, by ${pair.by}.`),
    el("div", { class: "support" }),
    query.file && button("Remove this picture", () => app.removePicture(query)),
  );
}

function columns(
  app: AppState,
  indices: Indices,
  query: Picture,
  setQuery: (picture: Picture) => void,
): HTMLElement[] {
  const { open, random } = indices;
  const all = random ? [open, random] : [open];
  return all.map((indexed) => column(indexed, { app, query, setQuery }));
}

interface ColumnContext {
  readonly app: AppState;
  readonly query: Picture;
  readonly setQuery: (picture: Picture) => void;
}

function column({ network, index }: Indexed, { app, query, setQuery }: ColumnContext): HTMLElement {
  const head = el("h2", {}, network.title);
  const pair = counterpart(app.gallery, query);
  if (!network.hasEmbedding(query)) {
    return el(
      "div",
      {},
      head,
      el("p", { class: "aside" }, "This network has no embedding of this picture."),
    );
  }
  const [neighbours = []] = index.query(network.embeddings([query]), { k: K, exclude: [query.id] });
  const classes = distinctLabels(app.all.map(({ label }) => label));
  const cells = neighbours.flatMap(({ id, similarity }) => {
    const picture = app.picture(id);
    if (!picture) return [];
    const mark = id === pair?.id && { mark: "the same emoji by the other vendor" };
    return [{ ...withClassMarker(picture, classes), note: similarity.toFixed(2), ...mark }];
  });
  return el(
    "div",
    {},
    head,
    grid(`Nearest for: ${network.title}`, cells, setQuery),
    retrievalNote(network, app),
  );
}

/** A picture with the marker of its class, if it has one. */
function withClassMarker(
  picture: Picture,
  classes: readonly string[],
): Pick<Cell, "picture" | "marker"> {
  const { label } = picture;
  return { picture, ...(label !== null && { marker: markerOf(classes.indexOf(label)) }) };
}

function retrievalNote(network: Network, { random, trained }: AppState): HTMLElement | null {
  const { metadata } = network;
  if (!metadata) return null;
  const share = percent(metadata.retrieval);
  const which = metadata.info.origin
    ? "the emoji that are kept aside for tests"
    : "the emoji that were not in training";
  const { half } = EXAMPLES;
  const most = network === trained ? half.trained : network === random ? half.random : undefined;
  const text = `For ${share} of ${which}, the other vendor's drawing is number 1`;
  const also = most === undefined ? "." : `; for half of them it is among the first ${most}.`;
  return el("p", { class: "aside" }, text, also);
}

/** For a network with a support set: the nearest rows. Training takes the first as the positive. */
async function showSupport(
  container: Element,
  { encoder }: AppState,
  query: Picture,
  signal: AbortSignal,
): Promise<void> {
  if (!encoder || encoder.info.supportSet === 0) return;
  try {
    const projection = await encoder.embed(await pixelsOf(query), { layer: "projection", signal });
    const [neighbours = []] = await encoder.supportNeighbors(projection, { k: 3, signal });
    container.replaceChildren(
      el("p", { class: "aside" }, "Neighbours in the support set:"),
      supportList(neighbours),
    );
  } catch (error) {
    if (!signal.aborted) container.replaceChildren(errorBox(error));
  }
}

function supportList(neighbours: readonly SupportNeighbor[]): HTMLElement {
  const line = ({ index, similarity, label }: SupportNeighbor, rank: number): HTMLElement => {
    const positive = rank === 0 ? ": training would take it as the positive" : "";
    return el(
      "li",
      {},
      `${similarity.toFixed(2)}, row ${index}${label ? `, ${label}` : ""}${positive}`,
    );
  };
  return el("ol", { class: "aside" }, ...neighbours.map(line));
}
