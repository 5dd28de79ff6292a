/** A value in a message, whatever it is. */

/** Letters of a string that are shown. */
const MOST = 100;

/** Numbers and words as they are, errors by what they say, objects by their kind. */
export function describe(value: unknown): string {
  if (typeof value === "string") return value.length > MOST ? `${value.slice(0, MOST)}…` : value;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Error) return describe(`${value.name}: ${value.message}`);
  const kind = kindOf(value);
  return kind === "Object" ? "an object" : `a ${kind}`;
}

/** `Uint8Array`, `Blob`, `Object`, …, also for values of another window. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
