/** Creates elements. */

type Child = Node | string | null | undefined | false;
type Prop = string | number | boolean | undefined | ((event: never) => void);

/**
 * Creates an element. Functions become listeners (`onclick`), booleans toggle attributes, other
 * values set them.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Readonly<Record<string, Prop>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") {
      made.addEventListener(name.slice(2), value as unknown as EventListener);
    } else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(
    ...children.filter((child) => child !== null && child !== undefined && child !== false),
  );
  return made;
}

/** A button with a listener. */
export function button(text: string, onclick: () => void, more: Record<string, Prop> = {}) {
  return el("button", { type: "button", onclick, ...more }, text);
}

/** A control with a label, and a note below it. */
export function field(name: string, control: HTMLElement, note?: string): HTMLElement {
  const label = el("span", { class: "field-name" }, name);
  return el("label", { class: "field" }, label, control, note && el("small", {}, note));
}

/** A select of values with their texts. */
export function choice<T extends string>(
  options: readonly (readonly [value: T, words: string])[],
  chosen: T,
  onChange: (value: T) => void,
): HTMLSelectElement {
  const select = el("select", { onchange: () => onChange(select.value as T) });
  for (const [value, text] of options) {
    select.append(el("option", { value, selected: value === chosen }, text));
  }
  return select;
}

/** A slider that shows its value; `onChange` is called while it moves. */
export function slider(
  name: string,
  range: { min: number; max: number; step: number; value: number },
  onChange: (value: number) => void,
  text: (value: number) => string = String,
): HTMLElement {
  const said = el("output", {}, text(range.value));
  const input = el("input", {
    type: "range",
    ...range,
    "aria-label": name,
    "aria-valuetext": text(range.value),
    oninput: () => {
      const value = Number(input.value);
      said.textContent = text(value);
      input.setAttribute("aria-valuetext", text(value));
      onChange(value);
    },
  });
  return el(
    "label",
    { class: "field slider" },
    el("span", { class: "field-name" }, name, said),
    input,
  );
}

/** A share of 1 as a percentage. */
export const percent = (share: number): string =>
  Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "not known";

/** Bytes as kB or MB. */
export const megabytes = (bytes: number): string =>
  bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
