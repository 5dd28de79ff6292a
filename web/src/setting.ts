/** Settings that a caller gives, checked before anything is done with them. */
import { KithError } from "./errors.js";

/** A whole number of at least `least`. */
export function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw wrong(name, value, `a whole number of at least ${least}`);
}

/** A number above 0. */
export function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw wrong(name, value, "a number above 0");
}

/** A number in a range, its ends included. */
export function within(name: string, value: number, [least, most]: [number, number]): number {
  if (value >= least && value <= most) return value;
  throw wrong(name, value, `${least} to ${most}`);
}

/** One of some words. */
export function oneOf<T extends string>(name: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  throw wrong(name, value, words.join(" or "));
}

/** Numbers none of which is NaN or infinite, in rows of `dim`. */
export function finite(what: string, values: Float32Array, dim: number): void {
  const place = values.findIndex((x) => !Number.isFinite(x));
  if (place < 0) return;
  const row = Math.floor(place / dim);
  throw wrong(`row ${row} of ${what}`, values[place], "finite numbers");
}

function wrong(name: string, value: unknown, expected: string): KithError {
  return new KithError("SETTING", `${name} = ${String(value)}: expected ${expected}`);
}
