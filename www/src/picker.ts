/** Chooses a picture: from a random selection, by class, or by name. */
import { button, choice, el } from "./element.js";
import { grid } from "./grid.js";
import type { Picture } from "./picture.js";

/** Pictures shown at a time. */
const CHUNK = 48;

/** A picker of the pictures that `pictures` returns; `draw` asks it again. */
export function picker(
  pictures: () => readonly Picture[],
  onSelect: (picture: Picture) => void,
): { element: HTMLElement; draw(): void } {
  let category = "";
  let text = "";
  let from = 0;
  const pictureList = el("div", {});
  const search = el("input", {
    type: "search",
    placeholder: "Search: cat, flag, house …",
    "aria-label": "Search pictures by name",
    oninput: () => {
      text = search.value.toLowerCase();
      from = 0;
      draw();
    },
  });
  const labels = [...new Set(pictures().map(({ label }) => label))].filter(
    (label) => label !== null,
  );
  const options = [["", "All categories"], ...labels.map((label) => [label, label])] as [
    string,
    string,
  ][];
  const select = choice(options, category, (value) => {
    category = value;
    from = 0;
    draw();
  });
  select.setAttribute("aria-label", "Category");
  const more = button("Others", () => {
    from += CHUNK;
    draw();
  });
  const draw = (): void => {
    const all = pictures().filter(
      ({ label, name }) => (category === "" || label === category) && name.includes(text),
    );
    const order = text === "" ? spread(all) : all;
    if (from >= order.length) from = 0;
    const some = order.slice(from, from + CHUNK);
    more.disabled = order.length <= CHUNK;
    const none = el(
      "p",
      { class: "aside" },
      `No picture is called “${text}”. Names are English: try a shorter or another word.`,
    );
    const cells = some.map((picture) => ({ picture }));
    pictureList.replaceChildren(
      some.length > 0 ? grid("Pictures to choose from", cells, onSelect) : none,
    );
  };
  draw();
  const element = el(
    "div",
    { class: "picker" },
    el("p", { class: "row" }, search, select, more),
    pictureList,
  );
  return { element, draw };
}

/** Pictures of one sheet that are shown next to each other, so that few sheets are downloaded. */
const FROM_A_SHEET = 8;

/** The pictures in an order that looks random and is always the same. */
function spread(pictures: readonly Picture[]): Picture[] {
  const sheets = new Map<string, Picture[]>();
  for (const picture of pictures) {
    const sheet = picture.tile?.sheet ?? "";
    if (!sheets.has(sheet)) sheets.set(sheet, []);
    sheets.get(sheet)!.push(picture);
  }
  const runs = [...sheets.values()].flatMap((sheet) =>
    Array.from({ length: Math.ceil(sheet.length / FROM_A_SHEET) }, (_, run) =>
      sheet.slice(run * FROM_A_SHEET, (run + 1) * FROM_A_SHEET),
    ),
  );
  const golden = 0.618034;
  const place = runs.map(([first], run) => (first!.tile ? (run * golden) % 1 : -1));
  const order = runs.map((_, run) => run).sort((a, b) => place[a]! - place[b]!);
  return order.flatMap((run) => runs[run]!);
}
