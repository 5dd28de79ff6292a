/** Two kept runs side by side: in what they differ, what came of each, their curves, their neighbours. */
import { remember, setting, wordSetting } from "../../address.js";
import type { AppState } from "../../app-state.js";
import { choice, el, field, percent } from "../../element.js";
import type { KeptRun } from "./kept-runs.js";
import { csvButton } from "./curves-csv.js";
import { sameNeighbours } from "./neighbours.js";
import { overlay, type Along } from "./overlay.js";
import { AVERAGED, results, sameTask, secondsOf, type Result } from "./results.js";
import { formDifferences, recipeDifferences, type Difference } from "./settings.js";
import { titleOf } from "./titles.js";

type Two = readonly [KeptRun, KeptRun];

/** The choice of two runs, and below it their comparison. */
export function comparison(app: AppState, runs: readonly KeptRun[]): HTMLElement {
  const place = el("div", {});
  let two = chosen(runs);
  const pick = (at: 0 | 1): HTMLElement => {
    const options = runs.map((run) => [String(run.number), titleOf(run)] as const);
    return choice(options, String(two[at].number), (value) => {
      const run = runs.find(({ number }) => String(number) === value)!;
      two = at === 0 ? [run, two[1]] : [two[0], run];
      remember({ first: two[0].number, second: two[1].number });
      draw();
    });
  };
  const draw = (): void => place.replaceChildren(...compared(app, two));
  draw();
  const fields = el(
    "div",
    { class: "fields" },
    field("First run", pick(0)),
    field("Second run", pick(1)),
  );
  return el("div", {}, fields, place);
}

/** The runs that the address names, else the last two. */
function chosen(runs: readonly KeptRun[]): Two {
  const named = (name: string) => runs.find(({ number }) => String(number) === setting(name, ""));
  return [named("first") ?? runs.at(-2)!, named("second") ?? runs.at(-1)!];
}

function compared(app: AppState, two: Two): HTMLElement[] {
  if (two[0] === two[1]) return [el("p", { class: "aside" }, "Choose two different runs.")];
  const [form, recipe] = [formDifferences(two), recipeDifferences(two)];
  const notes = [
    `Metrics are means over the last ${AVERAGED} steps; “none”: the run has no such metric. Seconds are those of the steps alone, on this computer as busy as it was.`,
    ...(sameTask(two) ? [] : [OTHER_TASK]),
    ...scale(app, two),
  ];
  return [
    el("p", { class: "caution" }, caution(form, recipe), " ", elsewhere()),
    el("h3", {}, "Settings that differ"),
    differenceTable(two, form, recipe),
    el("h3", {}, "Results"),
    resultTable(two, results(two)),
    ...notes.map((note) => el("p", { class: "aside" }, note)),
    csvButton(two),
    curves(two),
    el("h3", {}, "Nearest neighbours of the same pictures"),
    sameNeighbours(app, two),
  ];
}

const OTHER_TASK =
  "Methods and batches have different tasks, so the difference of their losses and of their accuracies on these tasks says nothing: it is left out.";

/** How much two runs prove. */
function caution(form: readonly Difference[], recipe: readonly Difference[]): string {
  const seedAlone = form.length === 1 && form[0]!.name === "Seed" && recipe.length === 0;
  if (seedAlone) {
    return "These runs differ in the seed alone: what you see here is chance. Differences of this size between other runs prove nothing.";
  }
  const many = form.filter(({ name }) => name !== "Method" && name !== "Computed by").length > 1;
  const which = many
    ? "They differ in more than one setting, so you cannot tell which of them made the difference. "
    : "";
  return `One run each proves little: another seed alone changes the results. ${which}Repeat both runs with other seeds, at least three, before you believe a difference.`;
}

const elsewhere = (): HTMLElement =>
  el("a", { href: "./docs/comparing.html" }, "How to compare many seeds");

/** What the measure of neighbours is for networks that everybody knows. */
function scale({ random, trained }: AppState, two: Two): string[] {
  const [untrained, page] = [random.metadata?.retrieval, trained.metadata?.retrieval];
  const asked = two.some(({ scores }) => scores.otherVendor);
  if (!asked || untrained === undefined || page === undefined) return [];
  return [
    `For scale: the other vendor's drawing is nearest for ${percent(untrained)} of the same pictures by an untrained network, and for ${percent(page)} by the network of this page, which trained longer and has not seen them. Your runs have seen them, without labels.`,
  ];
}

function differenceTable(
  two: Two,
  form: readonly Difference[],
  recipe: readonly Difference[],
): HTMLElement {
  const rows = (all: readonly Difference[]): (readonly string[])[] =>
    all.map(({ name, values }) => [name, ...values]);
  const head = ["Setting", ...two.map(titleOf)];
  const tables: HTMLElement[] = [];
  if (form.length > 0) tables.push(table(head, rows(form), "Settings that differ"));
  if (recipe.length > 0) {
    const words =
      recipe.length === 1
        ? "1 setting of their recipes differs"
        : `${recipe.length} settings of their recipes differ`;
    const open = form.length === 0;
    const inner = table(head, rows(recipe), words);
    tables.push(el("details", { open }, el("summary", {}, words), inner));
  }
  if (tables.length > 0) return el("div", {}, ...tables);
  return el("p", {}, "None: both runs were asked for the same.");
}

function resultTable(two: Two, all: readonly Result[]): HTMLElement {
  const rows = all.map(({ title, values, difference }) =>
    [title, ...values, difference ?? "–"].map(unbroken),
  );
  return table(["Result", ...two.map(titleOf), "Second less first"], rows, "Results");
}

/** A number stays with its unit. */
const unbroken = (text: string, column: number): string =>
  column === 0 ? text : text.replaceAll(" ", "\u00a0");

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  name: string,
): HTMLElement {
  const row = ([first = "", ...others]: readonly string[]): HTMLElement =>
    el("tr", {}, el("th", { scope: "row" }, first), ...others.map((text) => el("td", {}, text)));
  const heads = head.map((text) => el("th", { scope: "col" }, text));
  return el(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": name },
    el(
      "table",
      { class: "run-table" },
      el("thead", {}, el("tr", {}, ...heads)),
      el("tbody", {}, ...rows.map(row)),
    ),
  );
}

/** The curves, along steps or seconds. */
function curves(two: Two): HTMLElement {
  const place = el("div", {});
  const draw = (along: Along): void => place.replaceChildren(overlay(two, along));
  const now: Along = wordSetting("along", ["step", "seconds"], "step");
  const along = choice<Along>(
    [
      ["step", "steps"],
      ["seconds", "seconds of training"],
    ],
    now,
    (value) => {
      remember({ along: value === "seconds" ? value : undefined });
      draw(value);
    },
  );
  draw(now);
  const unknown = two.some((run) => isNaN(secondsOf(run)));
  const note = unknown && "A run that an earlier version of this page began has no times.";
  return el(
    "div",
    {},
    el("h3", {}, "Curves"),
    el("div", { class: "fields" }, field("Along", along, note || undefined)),
    place,
  );
}
