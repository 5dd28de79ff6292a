/**
 * Map: all pictures in two dimensions; pictures that the network finds similar are close together.
 */
import { project, type CallOptions } from "kith-web";
import { remember, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, choice, el, field } from "../element.js";
import { grid } from "../grid.js";
import type { Picture } from "../picture.js";
import { pictureElement } from "../picture.js";
import { ScatterPlot } from "../map/scatter-plot.js";
import {
  COLOURS,
  drawLegend,
  pointStyle,
  defaultColour,
  type ColourBy,
  type MapState,
} from "../map/legend.js";
import { predictAll } from "../map/predictions.js";
import { asTable, csvButton, type Table } from "../map/table.js";
import { withProgress } from "../progress.js";

/** UMAP takes too long for more pictures. */
const MAX_FOR_UMAP = 2000;
const NEAREST = 8;
/** Pictures of a selection shown. */
const MAX_SHOWN = 100;

/** The parts of the panel. */
interface Scene {
  readonly app: AppState;
  readonly state: MapState;
  readonly plot: ScatterPlot;
  readonly status: HTMLElement;
  readonly legendPlace: HTMLElement;
  readonly selection: HTMLElement;
  readonly table: Table;
  readonly closed: AbortSignal;
}

const NAME =
  "Map of the pictures. Arrow keys move it, plus and minus zoom. The table below has the same data.";

export function map(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const state = initialState(app);
  const tooltip = el("div", { class: "tooltip", hidden: true, "aria-hidden": "true" });
  const events = {
    onHover: (index: number | undefined, at: [number, number]) =>
      hover(tooltip, index === undefined ? undefined : state.pictures[index], at),
    onPick: (index: number) => select(scene, [index]),
    onSelect: (indices: number[]) => select(scene, indices),
  };
  const scene: Scene = {
    app,
    state,
    plot: new ScatterPlot(NAME, events, closed),
    status: el("div", {}),
    legendPlace: el("ul", { class: "map-legend" }),
    selection: el("section", { class: "chosen", "aria-live": "polite" }),
    table: asTable(state),
    closed,
  };
  app.on("network", () => refresh(scene), closed);
  app.on("pictures", () => refresh(scene), closed);
  app.on("probe", () => (state.predictions = undefined), closed);
  root.replaceChildren(
    introduction(),
    tools(scene),
    scene.status,
    scene.legendPlace,
    el("div", { class: "map-area" }, scene.plot.element, tooltip),
    scene.selection,
    csvButton(state),
    scene.table.element,
  );
  refresh(scene);
}

const initialState = (app: AppState): MapState => ({
  pictures: known(app),
  points: new Float32Array(0),
  colour: wordSetting(
    "colour",
    COLOURS.map(([value]) => value),
    defaultColour(),
  ),
  predictions: undefined,
  selected: [],
});

/** Projects again after the pictures or the network changed. */
function refresh(scene: Scene): void {
  scene.state.predictions = undefined;
  scene.state.selected = [];
  scene.selection.replaceChildren();
  void layOut(scene, "pca").then(() => colour(scene, scene.state.colour));
}

async function layOut(
  { app, closed, status, ...scene }: Scene,
  method: "pca" | "umap",
): Promise<void> {
  const title = method === "pca" ? "Drawing the map" : "Drawing the map with UMAP";
  await withProgress(status, title, async (call) => {
    await points(app, scene.state, method, call);
    if (!closed.aborted) paint(scene);
  });
}

function paint({
  state,
  plot,
  legendPlace,
  table,
}: Omit<Scene, "app" | "closed" | "status">): void {
  plot.whiteBackground = state.colour === "pictures";
  const drawPoint = pointStyle(state, () => plot.fill());
  plot.show(state.points, drawPoint);
  drawLegend(legendPlace, state);
  table.draw();
}

function colour(scene: Scene, value: ColourBy): void {
  const { state, app, status } = scene;
  state.colour = value;
  remember({ colour: value === defaultColour() ? undefined : value });
  if (value === "category" || value === "pictures" || state.predictions) return paint(scene);
  void withProgress(status, "Predicting classes", async ({ signal }) => {
    state.predictions = await predictAll(app, state.pictures, signal);
    paint(scene);
  });
}

/** Shows the neighbours of one selected picture, or the pictures of a larger selection. */
function select({ state, plot, selection, app, table }: Scene, indices: readonly number[]): void {
  state.selected = indices;
  plot.mark(indices);
  if (indices.length === 1) drawNeighbours(selection, app, state, indices[0]!);
  else drawSelection(selection, state);
  table.draw();
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "All pictures, placed by their embeddings: pictures that the network finds similar are close together. ",
    "Select a picture to see its nearest neighbours in the full embedding, of which the map shows two dimensions.",
  );
}

const known = ({ all, network }: AppState): Picture[] =>
  all.filter((picture) => network.hasEmbedding(picture));

/** Projects the pictures; UMAP gets only as many as it handles in reasonable time. */
async function points(
  app: AppState,
  state: MapState,
  method: "pca" | "umap",
  call: CallOptions,
): Promise<void> {
  const all = known(app);
  const step = method === "umap" ? Math.max(1, all.length / MAX_FOR_UMAP) : 1;
  const some = Array.from(
    { length: Math.floor(all.length / step) },
    (_, i) => all[Math.floor(i * step)]!,
  );
  const projected = await project(app.network.embeddings(some), { method, ...call });
  if (state.pictures.length !== some.length) state.predictions = undefined;
  state.pictures = some;
  state.points = projected;
  state.selected = [];
}

function tools(scene: Scene): HTMLElement {
  const { plot, state } = scene;
  const colours = choice(COLOURS, state.colour, (value) => colour(scene, value));
  const lasso = button("Lasso", () => {
    plot.lasso = !plot.lasso;
    lasso.ariaPressed = String(plot.lasso);
  });
  lasso.ariaPressed = "false";
  return el(
    "div",
    { class: "row map-tools" },
    field("Show", colours),
    button("PCA", () => void layOut(scene, "pca")),
    button(`UMAP of ${MAX_FOR_UMAP}`, () => void layOut(scene, "umap"), {
      title: "Takes a while",
    }),
    lasso,
    button("+", () => plot.zoom(1.5), { "aria-label": "Zoom in" }),
    button("−", () => plot.zoom(1 / 1.5), { "aria-label": "Zoom out" }),
    button("Reset the view", () => plot.reset()),
  );
}

function hover(tooltip: HTMLElement, picture: Picture | undefined, [x, y]: [number, number]): void {
  tooltip.hidden = picture === undefined;
  if (!picture) return;
  tooltip.replaceChildren(pictureElement(picture), el("span", {}, picture.name));
  tooltip.style.left = `${x + 14}px`;
  tooltip.style.top = `${y + 14}px`;
}

/** The neighbours of a picture in the full embedding, not on the map. */
function drawNeighbours(
  container: HTMLElement,
  app: AppState,
  state: MapState,
  selected: number,
): void {
  const picture = state.pictures[selected]!;
  const index = app.network.index(state.pictures);
  const [neighbours = []] = index.query(app.network.embeddings([picture]), {
    k: NEAREST,
    exclude: [picture.id],
  });
  const cells = neighbours.map(({ id, similarity }) => ({
    picture: app.picture(id)!,
    note: similarity.toFixed(2),
  }));
  const prediction = state.predictions?.[selected];
  container.replaceChildren(
    el("h2", {}, `Nearest to ${picture.name}`),
    el(
      "div",
      { class: "near" },
      el(
        "figure",
        {},
        pictureElement(picture),
        prediction && el("figcaption", {}, `predicted: ${prediction}`),
      ),
      grid("Its neighbours", cells, () => {}),
    ),
  );
}

function drawSelection(container: HTMLElement, { selected, pictures }: MapState): void {
  const cells = selected.slice(0, MAX_SHOWN).map((each) => ({ picture: pictures[each]! }));
  const more = selected.length > MAX_SHOWN ? `, of which ${MAX_SHOWN} are shown` : "";
  container.replaceChildren(
    el("h2", {}, `${selected.length} pictures selected${more}`),
    grid("Selected pictures", cells, () => {}),
  );
}
