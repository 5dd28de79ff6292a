/** A button for each class with its key, and a field for a new class. */
import { button, el } from "../element.js";
import type { ClassList } from "./class-list.js";
import { CLASS_KEYS } from "./keys.js";

interface Pressing {
  readonly onLabel: (name: string) => void;
  /** How many pictures have each label. */
  readonly counts: () => ReadonlyMap<string, number>;
}

export interface ClassButtons {
  readonly element: HTMLElement;
  /** The field for a new class. */
  readonly adding: HTMLElement;
  /** Shows the classes and their counts as they are now. */
  draw(enabled: boolean): void;
  /** Moves the focus to the field for a new class. */
  type(): void;
}

export function classButtons(classes: ClassList, { onLabel, counts }: Pressing): ClassButtons {
  const row = el("div", { class: "class-buttons", role: "group", "aria-label": "Classes" });
  const none = el(
    "p",
    { class: "aside" },
    "There are no classes yet. Type the name of the first one, such as “cat”, and press Enter; then a key gives it to a picture.",
  );
  const shown: { name: string; own: HTMLButtonElement; count: HTMLElement }[] = [];
  const draw = (enabled: boolean): void => {
    classes.update();
    const names = classes.names;
    // Buttons that are there stay, so that the focus does.
    for (const name of names.slice(shown.length)) {
      const { own, count } = classButton(name, CLASS_KEYS[shown.length], () => onLabel(name));
      shown.push({ name, own, count });
      row.append(own);
    }
    const known = counts();
    for (const { name, own, count } of shown) {
      own.disabled = !enabled;
      count.textContent = String(known.get(name) ?? 0);
    }
    none.hidden = names.length > 0;
  };
  const input = el("input", {
    type: "text",
    "aria-label": "Name of a new class",
    placeholder: "New class …",
    maxlength: 100,
  });
  const add = (): void => {
    const name = input.value.trim();
    input.value = "";
    // Keys label again; who clicked wants to type more names.
    input.blur();
    if (name === "") return;
    classes.add(name);
    draw(shown[0] ? !shown[0].own.disabled : true);
  };
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") add();
    if (key === "Escape") input.blur();
  });
  const adding = el("div", { class: "row new-class" }, input, button("Add the class", add));
  return { element: el("div", {}, none, row), adding, draw, type: () => input.focus() };
}

function classButton(name: string, key: string | undefined, onclick: () => void) {
  const count = el("small", { "aria-hidden": "true" });
  const own = el(
    "button",
    { type: "button", onclick, ...(key && { "aria-keyshortcuts": key }) },
    key && el("kbd", { "aria-hidden": "true" }, key),
    el("span", {}, name),
    count,
  );
  // A key after a click must not press the button again.
  own.addEventListener("click", ({ detail }) => detail > 0 && own.blur());
  return { own, count };
}
