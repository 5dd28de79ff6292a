/** Labels of pictures: words, or none where a picture's class is not known. */
import { KithError } from "./errors.js";
import { list, text } from "./checks.js";

/** The backend stores the number of a class in two bytes. */
const MOST = 65_536;

/** The names of all classes, sorted, and each picture's class: its place among them, or -1. */
export interface Classes {
  readonly names: readonly string[];
  readonly places: readonly number[];
}

/**
 * Classes of labels that a caller gave; `null` is none where `unknown` allows it. Errors: `SETTING`
 * for a label that is no string, naming the first.
 */
export function classesOf(
  labels: readonly (string | null)[],
  unknown: "refused" | "allowed" = "refused",
  what: "label" | "domain" = "label",
): Classes {
  // A sparse array skips its holes in most loops; this one does not.
  const given = Array.from(list(`${what}s`, labels));
  const none = (label: string | null): boolean => label === null && unknown === "allowed";
  const known = given.filter((label, place): label is string => {
    return !none(label) && text(`${what} ${place}`, label as string) !== undefined;
  });
  const names = [...new Set(known)].sort();
  if (names.length > MOST) {
    const all = what === "label" ? "classes" : "domains";
    throw new KithError("SETTING", `expected at most ${MOST} ${all}, got ${names.length}`);
  }
  const places = new Map(names.map((name, place) => [name, place]));
  return { names, places: given.map((label) => (label === null ? -1 : places.get(label)!)) };
}
