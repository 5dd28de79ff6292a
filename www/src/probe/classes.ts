/** The editor of the user's classes: add, rename and delete them, and put pictures into them. */
import { pictureInput } from "../picture-input.js";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import { grid } from "../grid.js";

/** Fewest classes, and fewest pictures per class, that are worth training on. */
const MIN = { classes: 2, pictures: 5 };
/**
 * A warning appears if the largest class has more than this many times the pictures of the
 * smallest.
 */
const UNBALANCED = 3;

interface Editing {
  /** Takes the files for a class; null leaves it to their folders. */
  readonly take: (files: readonly File[], label: string | null) => void;
  /** Called after pictures were removed. */
  readonly onChange: () => void;
  readonly closed: AbortSignal;
}

/** The editor. */
export function classes(app: AppState, { take, onChange, closed }: Editing): HTMLElement {
  const names: string[] = labelsOf(app);
  let current = names[0] ?? "";
  const list = el("div", { class: "classes" });
  const notes = el("div", { role: "status" });
  const draw = (): void => {
    for (const label of labelsOf(app)) if (!names.includes(label)) names.push(label);
    if (!names.includes(current)) current = names[0] ?? "";
    list.replaceChildren(...names.map((name) => row(name)));
    notes.replaceChildren(
      ...warnings(app, names).map((text) => el("p", { class: "warning" }, text)),
    );
  };
  const row = (name: string): HTMLElement =>
    classRow(app, name, {
      current: name === current,
      select: () => {
        current = name;
        draw();
      },
      rename: (to) => {
        if (names.includes(to)) names.splice(names.indexOf(name), 1);
        else names[names.indexOf(name)] = to;
        if (current === name) current = to;
        const pictures = app.userPictures.filter(({ label }) => label === name);
        void app.label(pictures, to);
      },
      remove: () => {
        names.splice(names.indexOf(name), 1);
        app.userPictures
          .filter(({ label }) => label === name)
          .forEach((picture) => app.removePicture(picture));
        draw();
        onChange();
      },
    });
  const add = button("Add a class", () => {
    current = newName(names);
    names.push(current);
    draw();
  });
  const input = pictureInput((files) => {
    if (names.length === 0 && files.every((file) => !file.webkitRelativePath)) add.click();
    take(files, files.some((file) => file.webkitRelativePath) ? null : current || null);
  }, closed);
  app.on("pictures", draw, closed);
  draw();
  return el("div", {}, list, el("p", { class: "row" }, add), input, notes);
}

export const labelsOf = ({ userPictures }: AppState): string[] =>
  [...new Set(userPictures.map(({ label }) => label))].filter((label) => label !== null).sort();

function newName(names: readonly string[]): string {
  for (let number = names.length + 1; ; number += 1) {
    if (!names.includes(`Class ${number}`)) return `Class ${number}`;
  }
}

interface Row {
  readonly current: boolean;
  readonly select: () => void;
  readonly rename: (to: string) => void;
  readonly remove: () => void;
}

function classRow(
  app: AppState,
  name: string,
  { current, select, rename, remove }: Row,
): HTMLElement {
  const classPictures = app.userPictures.filter(({ label }) => label === name);
  const input = el("input", {
    type: "text",
    value: name,
    "aria-label": `Name of the class ${name}`,
    onchange: () => input.value.trim() && rename(input.value.trim()),
  });
  const radio = el("input", { type: "radio", name: "current", checked: current, onchange: select });
  const pictures = classPictures.map((picture) => ({ picture }));
  return el(
    "fieldset",
    {},
    el("legend", {}, `${name}: ${classPictures.length} pictures`),
    el(
      "div",
      { class: "row" },
      input,
      el("label", { class: "check" }, radio, "New pictures go here"),
      button("Delete the class", remove, { "aria-label": `Delete the class ${name}` }),
    ),
    classPictures.length > 0 &&
      grid(`Pictures of ${name}; press one to remove it`, pictures, (gone) =>
        app.removePicture(gone),
      ),
  );
}

function warnings(app: AppState, names: readonly string[]): string[] {
  const counts = names.map((name) => app.userPictures.filter(({ label }) => label === name).length);
  const found: string[] = [];
  if (names.length < MIN.classes) found.push(`At least ${MIN.classes} classes are needed.`);
  const few = names.filter((_, i) => counts[i]! < MIN.pictures);
  if (few.length > 0)
    found.push(`${few.join(", ")}: at least ${MIN.pictures} pictures each are better.`);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least > 0 && most > UNBALANCED * least) {
    found.push("The classes are uneven: the probe weighs them equally, but more pictures help.");
  }
  return found;
}

/** Whether there are enough classes to train on. */
export function hasEnoughClasses(labels: readonly string[]): boolean {
  return new Set(labels).size >= MIN.classes;
}
