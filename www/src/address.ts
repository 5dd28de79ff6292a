/**
 * The address after `#`: the open panel and its settings. It can be shared, and never contains a
 * picture.
 */

type Listener = () => void;
const listeners = new Set<Listener>();

function parts(): { panel: string; settings: URLSearchParams } {
  const [panel = "", rest = ""] = location.hash.slice(1).split("?");
  return { panel, settings: new URLSearchParams(rest) };
}

/** The panel that the address names; "" if none. */
export const panelInAddress = (): string => parts().panel;

/** The panel of some that the address names, or the default `otherwise`; "" is none. */
export function panelSetting<T extends string>(panels: readonly T[], otherwise: T): T {
  const { panel } = parts();
  const found = panels.find((name) => name === panel);
  const expected = panels.join(", ");
  const fails = panel !== "" && found === undefined;
  refuse("#", fails ? `there is no panel “${panel}”: expected ${expected}` : undefined);
  return found ?? otherwise;
}

/** A setting of the address, or the default `otherwise`. */
export function setting(name: string, otherwise: string): string {
  return parts().settings.get(name) ?? otherwise;
}

/** What the address asks for and cannot have, in words, by its name. */
const refused = new Map<string, string>();
const refusals = new EventTarget();

/** Calls `listener` with all that the address asks for and cannot have, whenever that changes. */
export function onRefused(listener: (words: readonly string[]) => void): void {
  const tell = (): void => listener([...refused.values()]);
  refusals.addEventListener("change", tell);
  tell();
}

function refuse(name: string, words: string | undefined): void {
  if (refused.get(name) === words) return;
  if (words === undefined) refused.delete(name);
  else refused.set(name, words);
  refusals.dispatchEvent(new Event("change"));
}

/**
 * What `find` knows by a setting of the address; the default `otherwise` where the address has none, and
 * where nothing is known by it, which the page tells with what was expected.
 */
export function knownSetting<T>(
  name: string,
  find: (value: string) => T | undefined,
  { expected, otherwise }: { expected: string; otherwise: T },
): T {
  const value = parts().settings.get(name);
  const found = value === null ? undefined : find(value);
  const fails = value !== null && found === undefined;
  refuse(name, fails ? `${name}=${value} cannot be: expected ${expected}` : undefined);
  return found ?? otherwise;
}

/** A word of the address out of some, or the default `otherwise`. */
export function wordSetting<T extends string>(name: string, words: readonly T[], otherwise: T): T {
  const expected = words.filter((word) => word !== "").join(", ");
  return knownSetting(name, (value) => words.find((word) => word === value), {
    expected,
    otherwise,
  });
}

/** A whole number of the address within a range, or the default `otherwise`. */
export function numberSetting(
  name: string,
  otherwise: number,
  [least, most]: [number, number],
): number {
  const within = (text: string): number | undefined => {
    const value = text.trim() === "" ? NaN : Number(text);
    return Number.isInteger(value) && value >= least && value <= most ? value : undefined;
  };
  return knownSetting(name, within, { expected: `${least} to ${most}`, otherwise });
}

type Settings = Readonly<Record<string, string | number | undefined>>;

/** The present settings with some changed; `undefined` removes one. */
function changed(changes: Settings): URLSearchParams {
  const { settings } = parts();
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) settings.delete(name);
    else settings.set(name, String(value));
  }
  return settings;
}

/** Writes settings into the address; `undefined` removes one. Makes no entry in the history. */
export function remember(changes: Settings): void {
  history.replaceState(null, "", addressOf(parts().panel, changed(changes)));
}

/** Opens a panel with some settings changed. */
export function visit(panel: string, changes: Settings = {}): void {
  location.hash = addressOf(panel, changed(changes));
}

/** The address of a panel with the current settings. */
export function addressOf(panel: string, settings = parts().settings): string {
  const text = settings.toString();
  return `#${panel}${text && "?"}${text}`;
}

/** Calls `listener` when the address was changed by a link, by hand or by going back. */
export function onAddressChange(listener: Listener): void {
  listeners.add(listener);
}

addEventListener("hashchange", () => {
  for (const name of refused.keys()) refuse(name, undefined);
  listeners.forEach((listener) => listener());
});
