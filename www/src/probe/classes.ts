/** Classes of one's own: made, renamed and thrown away, with pictures in them. */
import { bringing } from "../bring.js";
import type { Desk } from "../desk.js";
import { button, el } from "../element.js";
import { grid } from "../grid.js";

/** Fewer pictures a class, or fewer classes, are not worth training on. */
const LEAST = { classes: 2, pictures: 5 };
/** Where the largest class has that many times the pictures of the smallest, a warning is due. */
const UNEVEN = 3;

/** An editor of the visitor's classes; `changed` is told after each change. */
export function classes(desk: Desk, changed: () => void, left: AbortSignal): HTMLElement {
  const names: string[] = labelsOf(desk);
  let current = names[0] ?? "";
  const list = el("div", { class: "classes" });
  const notes = el("div", { role: "status" });
  const draw = (): void => {
    for (const label of labelsOf(desk)) if (!names.includes(label)) names.push(label);
    if (!names.includes(current)) current = names[0] ?? "";
    list.replaceChildren(...names.map((name) => row(name)));
    notes.replaceChildren(
      ...warnings(desk, names).map((words) => el("p", { class: "warning" }, words)),
    );
  };
  const row = (name: string): HTMLElement =>
    classRow(desk, name, {
      current: name === current,
      take: () => {
        current = name;
        draw();
      },
      rename: (to) => {
        names[names.indexOf(name)] = to;
        desk.own.filter(({ label }) => label === name).forEach((picture) => (picture.label = to));
        if (current === name) current = to;
        desk.tell("pictures");
      },
      drop: () => {
        names.splice(names.indexOf(name), 1);
        desk.own.filter(({ label }) => label === name).forEach((picture) => desk.drop(picture));
        draw();
        changed();
      },
    });
  const add = button("Add a class", () => {
    current = fresh(names);
    names.push(current);
    draw();
  });
  const bring = bringing((files) => {
    if (names.length === 0 && files.every((file) => !file.webkitRelativePath)) add.click();
    desk.bring(files, files.some((file) => file.webkitRelativePath) ? null : current || null);
    changed();
  }, left);
  desk.on("pictures", draw, left);
  draw();
  return el("div", {}, list, el("p", { class: "row" }, add), bring, notes);
}

export const labelsOf = ({ own }: Desk): string[] =>
  [...new Set(own.map(({ label }) => label))].filter((label) => label !== null).sort();

function fresh(names: readonly string[]): string {
  for (let number = names.length + 1; ; number += 1) {
    if (!names.includes(`Class ${number}`)) return `Class ${number}`;
  }
}

interface Row {
  readonly current: boolean;
  readonly take: () => void;
  readonly rename: (to: string) => void;
  readonly drop: () => void;
}

function classRow(desk: Desk, name: string, { current, take, rename, drop }: Row): HTMLElement {
  const own = desk.own.filter(({ label }) => label === name);
  const input = el("input", {
    type: "text",
    value: name,
    "aria-label": `Name of the class ${name}`,
    onchange: () => input.value.trim() && rename(input.value.trim()),
  });
  const radio = el("input", { type: "radio", name: "current", checked: current, onchange: take });
  const pictures = own.map((picture) => ({ picture }));
  return el(
    "fieldset",
    {},
    el("legend", {}, `${name}: ${own.length} pictures`),
    el(
      "div",
      { class: "row" },
      input,
      el("label", { class: "check" }, radio, "New pictures go here"),
      button("Delete the class", drop, { "aria-label": `Delete the class ${name}` }),
    ),
    own.length > 0 &&
      grid(`Pictures of ${name}; press one to remove it`, pictures, (gone) => desk.drop(gone)),
  );
}

function warnings(desk: Desk, names: readonly string[]): string[] {
  const counts = names.map((name) => desk.own.filter(({ label }) => label === name).length);
  const found: string[] = [];
  if (names.length < LEAST.classes) found.push(`At least ${LEAST.classes} classes are needed.`);
  const few = names.filter((_, i) => counts[i]! < LEAST.pictures);
  if (few.length > 0)
    found.push(`${few.join(", ")}: at least ${LEAST.pictures} pictures each are better.`);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least > 0 && most > UNEVEN * least) {
    found.push("The classes are uneven: the probe weighs them equally, but more pictures help.");
  }
  return found;
}

/** Whether there is enough to train on. */
export function enough(labels: readonly string[]): boolean {
  return new Set(labels).size >= LEAST.classes;
}
