/** Sorts the user's pictures into groups of which nobody told the network; a name makes one a class. */
import { kMeans, type CallOptions } from "kith-web";
import { remember, setting, visit, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, choice, el, field } from "../element.js";
import { grid } from "../grid.js";
import type { Picture } from "../picture.js";
import { embedOwn } from "./take.js";

const COUNTS = ["2", "3", "4", "5", "6", "7", "8", "10", "12"] as const;
const CHOICES: readonly (readonly [string, string])[] = [
  ["auto", "as many as seem right"],
  ...COUNTS.map((count) => [count, count] as const),
];
/** More groups are hard to look over. */
const MOST = 8;

type Group = readonly Picture[];

/** A group on the page; `update` shows the labels of its pictures again. */
interface GroupView {
  readonly element: HTMLElement;
  update(): void;
}

interface Sorting {
  readonly onSelect: (picture: Picture) => void;
  readonly closed: AbortSignal;
}

const groupsSetting = (): string =>
  wordSetting(
    "groups",
    CHOICES.map(([count]) => count),
    "auto",
  );

/** The button, the groups once they are there, and the pictures before. */
export function sorting(app: AppState, { onSelect, closed }: Sorting): HTMLElement {
  let groups: readonly Group[] = [];
  let views: readonly GroupView[] = [];
  const status = el("div", {});
  const place = el("div", { class: "groups" });
  const count = choice(CHOICES, groupsSetting(), () => groups.length > 0 && sort());
  const show = (found: readonly Group[]): void => {
    groups = found;
    views = groups.map((group, index) => groupView(app, { group, index, onSelect }));
    const shown = views.map(({ element }) => element);
    place.replaceChildren(
      ...(shown.length > 0 ? [explanation(), ...shown] : [yours(app, onSelect)]),
    );
  };
  const draw = (): void => {
    root.hidden = app.userPictures.length === 0;
    if (groups.length > 0 && areWhole(groups, app.userPictures))
      views.forEach((view) => view.update());
    else show([]);
  };
  const sort = (): void => {
    remember({ groups: count.value });
    embedOwn(app, status, async (call) => {
      const found = await groupsOf(app, count.value, call);
      if (!closed.aborted) show(found);
    });
  };
  const sortButton = button("Sort my pictures", sort, { class: "main" });
  const tools = el("div", { class: "row tools" }, sortButton, field("Groups", count));
  const root = el("div", { class: "sorting" }, tools, status, place);
  app.on("pictures", draw, closed);
  draw();
  // After a reload, what was sorted is sorted again, as soon as the pictures are back.
  if (setting("groups", "") !== "") {
    if (app.userPictures.length > 0) sort();
    else app.on("pictures", once(sort), closed);
  }
  return root;
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) {
      done = true;
      work();
    }
  };
}

/** Whether groups have these pictures, all of them and no others. */
function areWhole(groups: readonly Group[], pictures: readonly Picture[]): boolean {
  const sorted = new Set(groups.flat());
  return sorted.size === pictures.length && pictures.every((picture) => sorted.has(picture));
}

async function groupsOf(
  app: AppState,
  wanted: string,
  { signal }: Required<CallOptions>,
): Promise<readonly Group[]> {
  const pictures = [...app.userPictures];
  if (pictures.length < 2)
    throw new Error("There is nothing to sort yet: choose two pictures or more.");
  const most = wanted === "auto" ? fitting(pictures.length) : Number(wanted);
  const clusters = Math.min(most, pictures.length);
  const { assignments } = await kMeans(app.network.embeddings(pictures), clusters, {
    signal,
    ...(app.device !== "auto" && { device: app.device }),
  });
  const groups = Array.from({ length: clusters }, (_, cluster) =>
    pictures.filter((_, index) => assignments[index] === cluster),
  );
  return groups.filter((group) => group.length > 0).sort((a, b) => b.length - a.length);
}

/** A number of groups for so many pictures: a few in each. */
const fitting = (count: number): number =>
  Math.min(MOST, Math.max(2, Math.round(Math.sqrt(count))));

function yours({ userPictures }: AppState, onSelect: (picture: Picture) => void): HTMLElement {
  return grid(
    "Your pictures",
    userPictures.toReversed().map((picture) => ({ picture })),
    onSelect,
  );
}

function explanation(): HTMLElement {
  const teach = button("Teach a probe these classes", () => visit("probe", { labels: "own" }));
  return el(
    "p",
    { class: "row" },
    el(
      "span",
      { class: "aside rule" },
      "The network put together what it finds alike; nobody told it what to look for. Give a group a name, and its pictures have that class.",
    ),
    teach,
  );
}

interface Shown {
  readonly group: Group;
  readonly index: number;
  readonly onSelect: (picture: Picture) => void;
}

function groupView(app: AppState, { group, index, onSelect }: Shown): GroupView {
  const legend = el("legend", {});
  const input = el("input", {
    type: "text",
    onchange: () => {
      const to = input.value.trim();
      if (to && to !== nameOf(group, index)) void app.label(group, to);
    },
  });
  const cells = group.map((picture) => ({ picture }));
  const pictures = grid(`Pictures of group ${index + 1}`, cells, onSelect);
  const update = (): void => {
    const name = nameOf(group, index);
    legend.textContent = `${name}: ${group.length === 1 ? "1 picture" : `${group.length} pictures`}`;
    input.value = name;
    input.setAttribute("aria-label", `Name of ${name}`);
  };
  update();
  const element = el(
    "fieldset",
    { class: "group" },
    legend,
    el("p", { class: "row" }, input),
    pictures,
  );
  return { element, update };
}

/** The label that all pictures of a group have, else its number. */
function nameOf(group: Group, index: number): string {
  const [first] = group;
  const label = first?.label ?? null;
  const same = label !== null && group.every((picture) => picture.label === label);
  return same ? label : `Group ${index + 1}`;
}
