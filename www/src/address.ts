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

/** A setting of the address, or the default `otherwise`. */
export function setting(name: string, otherwise: string): string {
  return parts().settings.get(name) ?? otherwise;
}

/** A whole number of the address within a range, or the default `otherwise`. */
export function numberSetting(
  name: string,
  otherwise: number,
  [least, most]: [number, number],
): number {
  const value = Number(parts().settings.get(name) ?? NaN);
  return Number.isInteger(value) && value >= least && value <= most ? value : otherwise;
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

addEventListener("hashchange", () => listeners.forEach((listener) => listener()));
