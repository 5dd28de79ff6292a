/** Which key stands for which class. */

/** Letters that mean something else: unknown, and undo. */
const TAKEN = new Set(["u", "z"]);
const DIGITS = [..."123456789"];
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"].filter((letter) => !TAKEN.has(letter));

/** Keys of classes in their order; the classes after the last key have buttons only. */
export const CLASS_KEYS: readonly string[] = [...DIGITS, ...LETTERS];

/** What a key does. */
export type KeyAction =
  | { readonly kind: "class"; readonly number: number }
  | { readonly kind: "unknown" | "undo" | "skip" | "new class" };

const OTHERS: Readonly<Record<string, KeyAction>> = {
  u: { kind: "unknown" },
  z: { kind: "undo" },
  Backspace: { kind: "undo" },
  " ": { kind: "skip" },
  ArrowRight: { kind: "skip" },
  "+": { kind: "new class" },
};

/** Controls that take every key, and those that take only the keys that press or move them. */
const TAKES_ALL = "input:not([type=checkbox], [type=radio]), select, textarea";
const TAKES_SOME = "button, a, summary, input";

/** Whether a key belongs to the control that has the focus. */
function isTakenBy(target: Element, key: string): boolean {
  if (target.closest(TAKES_ALL)) return true;
  return (key === " " || key.length > 1) && target.closest(TAKES_SOME) !== null;
}

/** What a key press means; nothing while somebody types, or with a key of the system. */
export function actionOf(event: KeyboardEvent): KeyAction | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return undefined;
  const { target, key } = event;
  if (target instanceof Element && isTakenBy(target, key)) return undefined;
  const name = key.length === 1 ? key.toLowerCase() : key;
  const number = CLASS_KEYS.indexOf(name);
  return number >= 0 ? { kind: "class", number } : OTHERS[name];
}
