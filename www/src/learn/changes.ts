/** Changes to a recipe, written as on the command line: `objective.temperature=0.2`, one a line. */
import { KithError } from "kith-web";
import { remember } from "../address.js";
import { el, field } from "../element.js";

/** A field for them, closed while it is empty. */
export function changesField(chosen: { changes: string }): HTMLElement {
  const text = el("textarea", {
    rows: 3,
    spellcheck: "false",
    placeholder: "objective.temperature=0.2",
  });
  text.value = chosen.changes;
  text.addEventListener("input", () => {
    chosen.changes = text.value.trim();
    remember({ set: chosen.changes || undefined });
  });
  const all = el("a", { href: "./docs/recipes.html" }, "All settings");
  const open = chosen.changes !== "";
  return el(
    "details",
    { open },
    el("summary", {}, "More settings"),
    field("One change a line", text),
    el("p", { class: "aside" }, all, " by their names."),
  );
}

/** Changes by the name of the setting. Errors: `SETTING` for a line that is none. */
export function changesIn(text: string): Record<string, string> {
  const lines = text.split("\n").map((line) => line.trim());
  const all = lines
    .filter((line) => line !== "")
    .map((line) => {
      const [, name, value] = /^([\w.]+)\s*=\s*(.+)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        throw new KithError(
          "SETTING",
          `expected a change like “objective.temperature=0.2”, got “${line}”`,
        );
      }
      return [name, value] as const;
    });
  return Object.fromEntries(all);
}
