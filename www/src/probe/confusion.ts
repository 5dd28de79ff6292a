/** A confusion matrix whose cells open the pictures in them, and a bar for each class. */
import { el, percent } from "../element.js";
import type { Tally } from "./tally.js";

/** Rows are the truth, columns the guess. */
export function confusion(
  found: Tally,
  opened: (title: string, places: readonly number[]) => void,
) {
  const { labels } = found;
  const head = labels.map((label) => el("th", { scope: "col" }, el("span", {}, label)));
  const rows = labels.map((own) => {
    const total = labels.reduce((sum, guess) => sum + found.at(own, guess).length, 0);
    const cells = labels.map((guess) =>
      cell([own, guess], found.at(own, guess), { total, opened }),
    );
    return el("tr", {}, el("th", { scope: "row" }, own), ...cells);
  });
  return el(
    "div",
    { class: "wide" },
    el(
      "table",
      { class: "confusion" },
      el(
        "caption",
        {},
        "What they are (rows) and what they were taken for. A number opens its pictures.",
      ),
      el("thead", {}, el("tr", {}, el("td", {}), ...head)),
      el("tbody", {}, ...rows),
    ),
  );
}

function cell(
  [own, guess]: [string, string],
  places: readonly number[],
  more: { total: number; opened: (title: string, places: readonly number[]) => void },
): HTMLElement {
  const made = el("td", { class: own === guess ? "diagonal" : "" });
  if (places.length === 0) return made;
  made.style.setProperty("--share", String((0.75 * places.length) / more.total));
  const title = own === guess ? `${own}, known` : `${own}, taken for ${guess}`;
  const onclick = (): void => more.opened(title, places);
  const words = `${places.length}: ${title}`;
  made.append(
    el("button", { type: "button", onclick, "aria-label": words }, String(places.length)),
  );
  return made;
}

/** A bar a class, as long as the share of its pictures that was told right. */
export function bars({ perClass }: Tally): HTMLElement {
  const lines = perClass.map(({ label, accuracy, count }) => {
    const bar = el("span", { class: "share", "aria-hidden": "true" });
    bar.style.setProperty("--share", String(Number.isFinite(accuracy) ? accuracy : 0));
    const words = count > 0 ? percent(accuracy) : "none";
    return el("li", {}, el("span", {}, label), bar, el("span", { class: "number" }, words));
  });
  return el("ul", { class: "bars" }, ...lines);
}
