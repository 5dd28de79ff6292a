/** Findings to accept or reject, by buttons or keys, and what is done with those that were accepted. */
import { announce } from "../announce.js";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import { errorBox } from "../error-box.js";
import { download } from "../files.js";
import { pictureElement, type Picture } from "../picture.js";
import type { Finding, Found, Kind } from "./search.js";

interface Review {
  readonly app: AppState;
  readonly pictures: readonly Picture[];
  readonly found: Found;
  readonly shown: AbortSignal;
}

type Decision = "accepted" | "rejected" | undefined;

const KINDS: readonly (readonly [Kind, string, string])[] = [
  ["near-duplicate", "Near-duplicates", "Each is so like another one that one of them is enough."],
  [
    "doubtful label",
    "Doubtful labels",
    "A probe that has not seen the picture says another class.",
  ],
  ["outlier", "Outliers", "They lie far from all other pictures."],
  [
    "unsure label",
    "Between classes",
    "The label may be right: the picture looks like another class, too.",
  ],
];

/** Findings that are drawn at a time, of each kind. */
const PART = 24;

export function review({ app, pictures, found, shown }: Review): HTMLElement {
  const { findings, notes } = found;
  /** Those that nothing was done about yet. */
  const standing = new Set(findings);
  const decisions = new Map<Finding, Decision>();
  const summary = el("p", { role: "status" });
  const actions = el("div", { class: "row" });
  const trouble = el("div", {});
  const accepted = (): Finding[] =>
    [...standing].filter((each) => decisions.get(each) === "accepted");
  const draw = (): void => {
    const count = accepted().length;
    const open = [...standing].filter((each) => !decisions.get(each)).length;
    summary.textContent =
      findings.length === 0
        ? `Nothing looks wrong among ${pictures.length} pictures.`
        : `${standing.size} findings, ${count} accepted, ${open} not looked at.`;
    actions.replaceChildren(...offers());
  };
  const offers = (): HTMLElement[] => {
    const some = accepted();
    const gone = some.filter(({ kind }) => kind === "near-duplicate" || kind === "outlier");
    const renamed = some.filter(({ suggested }) => suggested !== undefined);
    const own = some.every(({ picture }) => picture.file);
    const list = button("Save the list", () => download("accepted.txt", listOf(some)));
    list.disabled = some.length === 0;
    return [
      ...(own && gone.length > 0
        ? [button(`Take ${gone.length} out of my pictures`, () => takeOut(gone))]
        : []),
      ...(own && renamed.length > 0
        ? [button(`Give ${renamed.length} the suggested label`, () => void relabel(renamed))]
        : []),
      ...(standing.size > 0 ? [list] : []),
    ];
  };
  const settle = (done: readonly Finding[]): void => {
    for (const finding of done) {
      standing.delete(finding);
      items.get(finding)?.remove();
    }
    draw();
  };
  // A picture that is taken out, here or elsewhere, takes all that was found of it along.
  const prune = (): void => {
    const there = new Set(app.userPictures);
    settle([...standing].filter(({ picture }) => picture.file && !there.has(picture)));
  };
  app.on("pictures", prune, shown);
  const takeOut = (gone: readonly Finding[]): void => {
    const own = new Set(gone.map(({ picture }) => picture));
    own.forEach((picture) => app.removePicture(picture));
    announce(`${own.size} pictures were taken out. The files themselves are untouched.`);
  };
  const relabel = async (renamed: readonly Finding[]): Promise<void> => {
    try {
      for (const { picture, suggested } of renamed) await app.label([picture], suggested!);
      settle(renamed);
      announce(`${renamed.length} pictures have the suggested label.`);
    } catch (error) {
      trouble.replaceChildren(errorBox(error, () => void relabel(renamed)));
    }
  };
  const items = new Map<Finding, HTMLElement>();
  const decide = (finding: Finding, decision: Decision): void => {
    decisions.set(finding, decisions.get(finding) === decision ? undefined : decision);
    mark(items.get(finding)!, decisions.get(finding));
    draw();
  };
  const sections = KINDS.map(([kind, title, words]) => {
    const own = findings.filter((each) => each.kind === kind);
    return own.length > 0
      ? section({ title, words, findings: own, standing, items, decide })
      : undefined;
  });
  const root = el(
    "div",
    { class: "review" },
    summary,
    ...notes.map((note) => el("p", { class: "aside" }, note)),
    ...(findings.length > 0 ? [keysLine()] : []),
    actions,
    trouble,
    ...sections,
  );
  root.addEventListener("keydown", (event) => onKey(event, items, decide), { signal: shown });
  draw();
  return root;
}

const keysLine = (): HTMLElement =>
  el(
    "p",
    { class: "aside" },
    "Keys: ",
    el("kbd", {}, "A"),
    " accepts, ",
    el("kbd", {}, "R"),
    " rejects, arrows go to the next and the previous one.",
  );

interface Section {
  readonly title: string;
  readonly words: string;
  readonly findings: readonly Finding[];
  /** Those of all kinds that nothing was done about yet. */
  readonly standing: ReadonlySet<Finding>;
  readonly items: Map<Finding, HTMLElement>;
  readonly decide: (finding: Finding, decision: Decision) => void;
}

/** The findings of a kind, a part at a time. */
function section({ title, words, findings, standing, items, decide }: Section): HTMLElement {
  const list = el("ul", { class: "findings" });
  const more = button("", () => add());
  const waiting = [...findings];
  const add = (): void => {
    const next = waiting.splice(0, PART).filter((finding) => standing.has(finding));
    for (const finding of next) {
      const item = itemOf(finding, decide);
      items.set(finding, item);
      list.append(item);
    }
    more.hidden = waiting.length === 0;
    more.textContent = `Show more (${waiting.length})`;
  };
  add();
  return el(
    "section",
    {},
    el("h2", {}, `${title} (${findings.length})`),
    el("p", { class: "aside" }, words),
    list,
    more,
  );
}

function itemOf(finding: Finding, decide: Section["decide"]): HTMLElement {
  const { picture, beside, reason } = finding;
  const named = (word: string): Record<string, string> => ({
    "aria-pressed": "false",
    "aria-label": `${word} the finding on ${picture.name}`,
  });
  const accept = button("Accept", () => decide(finding, "accepted"), {
    ...named("Accept"),
    "data-does": "accepted",
  });
  const reject = button("Reject", () => decide(finding, "rejected"), {
    ...named("Reject"),
    "data-does": "rejected",
  });
  return el(
    "li",
    { tabindex: 0 },
    el("div", { class: "pair" }, pictureElement(picture), beside && pictureElement(beside)),
    el(
      "div",
      {},
      el("p", {}, el("strong", {}, picture.name), ` ${reason}.`),
      el("p", { class: "row" }, accept, reject),
    ),
  );
}

function mark(item: HTMLElement, decision: Decision): void {
  item.dataset["decision"] = decision ?? "";
  for (const each of item.querySelectorAll<HTMLElement>("[data-does]"))
    each.setAttribute("aria-pressed", String(each.dataset["does"] === decision));
}

/** Keys of the finding that has the focus. */
function onKey(
  event: KeyboardEvent,
  items: ReadonlyMap<Finding, HTMLElement>,
  decide: Section["decide"],
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const item = (event.target as HTMLElement).closest("li");
  const found = [...items].find(([, element]) => element === item);
  if (!item || !found) return;
  const key = event.key.toLowerCase();
  if (key === "a") decide(found[0], "accepted");
  else if (key === "r") decide(found[0], "rejected");
  if (key === "a" || key === "r" || key === "arrowdown" || key === "arrowright")
    focusBeside(item, 1);
  else if (key === "arrowup" || key === "arrowleft") focusBeside(item, -1);
  else return;
  event.preventDefault();
}

function focusBeside(item: HTMLElement, step: 1 | -1): void {
  const all = [...item.closest(".review")!.querySelectorAll<HTMLElement>(".findings > li")];
  all[all.indexOf(item) + step]?.focus();
}

/** The list as `kith clean --apply` reads it: the path of a picture's file a line, each once. */
const listOf = (findings: readonly Finding[]): string =>
  [...new Set(findings.map(({ picture }) => `${pathOf(picture)}\n`))].join("");

/** The path of a picture's file in the folder that was chosen, as far as the browser tells. */
function pathOf({ file, name }: Picture): string {
  if (!(file?.blob instanceof File)) return name;
  const [, ...below] = file.blob.webkitRelativePath.split("/");
  return below.join("/") || file.blob.name;
}
