/** Map: all pictures at once, near each other where the network finds them alike. */
import { project, type CallOptions } from "kith-web";
import { remember, setting } from "../address.js";
import type { Desk } from "../desk.js";
import { button, choice, el, field } from "../element.js";
import { grid } from "../grid.js";
import type { Picture } from "../picture.js";
import { shown } from "../picture.js";
import { Plane } from "../map/plane.js";
import { COLOURS, drawKey, stampOf, usual, type Colour, type State } from "../map/key.js";
import { guessed } from "../map/guesses.js";
import { asTable, exporting, type Table } from "../map/table.js";
import { shownWork } from "../work.js";

/** More pictures take UMAP too long. */
const MOST_FOR_UMAP = 2000;
const NEAREST = 8;
/** Pictures of a selection that are shown. */
const MOST_SHOWN = 100;

/** The panel's parts, as what happens on it needs them. */
interface Scene {
  readonly desk: Desk;
  readonly state: State;
  readonly drawing: Plane;
  readonly work: HTMLElement;
  readonly key: HTMLElement;
  readonly chosen: HTMLElement;
  readonly table: Table;
  readonly left: AbortSignal;
}

const NAME =
  "Map of the pictures. Arrow keys move it, plus and minus zoom. The table below says the same.";

export function map(root: HTMLElement, desk: Desk, left: AbortSignal): void {
  const state = begun(desk);
  const hint = el("div", { class: "hint", hidden: true, "aria-hidden": "true" });
  const told = {
    hovered: (place: number | undefined, at: [number, number]) =>
      hover(hint, place === undefined ? undefined : state.pictures[place], at),
    picked: (place: number) => choose(scene, [place]),
    circled: (places: number[]) => choose(scene, places),
  };
  const scene: Scene = {
    desk,
    state,
    drawing: new Plane(NAME, told, left),
    work: el("div", {}),
    key: el("ul", { class: "key" }),
    chosen: el("section", { class: "chosen", "aria-live": "polite" }),
    table: asTable(state),
    left,
  };
  desk.on("sight", () => renew(scene), left);
  desk.on("pictures", () => renew(scene), left);
  desk.on("probe", () => (state.guesses = undefined), left);
  root.replaceChildren(
    introduction(),
    tools(scene),
    scene.work,
    scene.key,
    el("div", { class: "map-stage" }, scene.drawing.element, hint),
    scene.chosen,
    exporting(state),
    scene.table.element,
  );
  renew(scene);
}

const begun = (desk: Desk): State => ({
  pictures: known(desk),
  points: new Float32Array(0),
  colour: COLOURS.find(([own]) => own === setting("colour", ""))?.[0] ?? usual(),
  guesses: undefined,
  chosen: [],
});

/** Lays out anew: other pictures, or another network. */
function renew(scene: Scene): void {
  scene.state.guesses = undefined;
  scene.state.chosen = [];
  scene.chosen.replaceChildren();
  void layOut(scene, "pca").then(() => colour(scene, scene.state.colour));
}

async function layOut(
  { desk, left, work, ...scene }: Scene,
  method: "pca" | "umap",
): Promise<void> {
  const title = method === "pca" ? "Drawing the map" : "Drawing the map by UMAP";
  await shownWork(work, title, async (call) => {
    await points(desk, scene.state, method, call);
    if (!left.aborted) paint(scene);
  });
}

function paint({ state, drawing, key, table }: Omit<Scene, "desk" | "left" | "work">): void {
  drawing.paper = state.colour === "pictures";
  const stamp = stampOf(state, () => drawing.draw());
  drawing.show(state.points, stamp);
  drawKey(key, state);
  table.draw();
}

function colour(scene: Scene, own: Colour): void {
  const { state, desk, work } = scene;
  state.colour = own;
  remember({ colour: own === usual() ? undefined : own });
  if (own === "category" || own === "pictures" || state.guesses) return paint(scene);
  void shownWork(work, "Guessing every picture", async ({ signal }) => {
    state.guesses = await guessed(desk, state.pictures, signal);
    paint(scene);
  });
}

/** Of one picture its neighbours are shown, of many the pictures themselves. */
function choose({ state, drawing, chosen, desk, table }: Scene, places: readonly number[]): void {
  state.chosen = places;
  drawing.mark(places);
  if (places.length === 1) drawNear(chosen, desk, state, places[0]!);
  else drawChosen(chosen, state);
  table.draw();
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "Every picture, placed by what the network sees in it. What lies together, it finds alike. ",
    "Press a picture to see its true neighbours: two numbers a picture are not all it knows.",
  );
}

const known = ({ all, sight }: Desk): Picture[] => all.filter((picture) => sight.knows(picture));

/** Lays the pictures out; by UMAP, so many of them as it takes in good time. */
async function points(
  desk: Desk,
  state: State,
  method: "pca" | "umap",
  call: CallOptions,
): Promise<void> {
  const all = known(desk);
  const step = method === "umap" ? Math.max(1, all.length / MOST_FOR_UMAP) : 1;
  const some = Array.from(
    { length: Math.floor(all.length / step) },
    (_, i) => all[Math.floor(i * step)]!,
  );
  const found = await project(desk.sight.rows(some), { method, ...call });
  if (state.pictures.length !== some.length) state.guesses = undefined;
  state.pictures = some;
  state.points = found;
  state.chosen = [];
}

function tools(scene: Scene): HTMLElement {
  const { drawing, state } = scene;
  const colours = choice(COLOURS, state.colour, (own) => colour(scene, own));
  const lasso = button("Draw around", () => {
    drawing.lasso = !drawing.lasso;
    lasso.ariaPressed = String(drawing.lasso);
  });
  lasso.ariaPressed = "false";
  return el(
    "div",
    { class: "row map-tools" },
    field("Show", colours),
    button("PCA", () => void layOut(scene, "pca")),
    button(`UMAP of ${MOST_FOR_UMAP}`, () => void layOut(scene, "umap"), {
      title: "Takes a while",
    }),
    lasso,
    button("+", () => drawing.zoom(1.5), { "aria-label": "Zoom in" }),
    button("−", () => drawing.zoom(1 / 1.5), { "aria-label": "Zoom out" }),
    button("The whole map", () => drawing.reset()),
  );
}

function hover(hint: HTMLElement, picture: Picture | undefined, [x, y]: [number, number]): void {
  hint.hidden = picture === undefined;
  if (!picture) return;
  hint.replaceChildren(shown(picture), el("span", {}, picture.name));
  hint.style.left = `${x + 14}px`;
  hint.style.top = `${y + 14}px`;
}

/** The neighbours of a picture where they truly are: in all of the network's numbers. */
function drawNear(place: HTMLElement, desk: Desk, state: State, chosen: number): void {
  const picture = state.pictures[chosen]!;
  const index = desk.sight.index(state.pictures);
  const [found = []] = index.query(desk.sight.rows([picture]), {
    k: NEAREST,
    exclude: [picture.id],
  });
  const cells = found.map(({ id, similarity }) => ({
    picture: desk.picture(id)!,
    note: similarity.toFixed(2),
  }));
  const guess = state.guesses?.[chosen];
  place.replaceChildren(
    el("h2", {}, `Nearest to ${picture.name}`),
    el(
      "div",
      { class: "near" },
      el("figure", {}, shown(picture), guess && el("figcaption", {}, `guessed: ${guess}`)),
      grid("Its neighbours", cells, () => {}),
    ),
  );
}

function drawChosen(place: HTMLElement, { chosen, pictures }: State): void {
  const cells = chosen.slice(0, MOST_SHOWN).map((each) => ({ picture: pictures[each]! }));
  const more = chosen.length > MOST_SHOWN ? `, of which ${MOST_SHOWN} are shown` : "";
  place.replaceChildren(
    el("h2", {}, `${chosen.length} pictures inside the line${more}`),
    grid("Inside the line", cells, () => {}),
  );
}
