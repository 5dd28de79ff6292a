/** Checks of what a caller passes, before anything is done with it. */
import { KithError } from "./errors.js";
import { describe } from "./describe.js";
import type { CallOptions, EngineOptions } from "./types.js";

/** Deeper than anything that has a meaning here; what nests without end must not be followed. */
const DEEPEST = 16;

/** A whole number of at least `least`, and at most `most`. */
export function whole(
  name: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most < Number.MAX_SAFE_INTEGER ? `${least} to ${most}` : `at least ${least}`;
  throw wrong(name, value, `a whole number of ${range}`);
}

/** A number above 0. */
export function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw wrong(name, value, "a number above 0");
}

/** A number in a range, its ends included. */
export function within(name: string, value: number, [least, most]: [number, number]): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw wrong(name, value, `${least} to ${most}`);
}

/** One of some words. */
export function oneOf<T extends string>(name: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  throw wrong(name, value, words.join(" or "));
}

/** true or false. */
export function flag(name: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(name, value, "true or false");
}

/** A string that every encoding can hold. */
export function text(name: string, value: string): string {
  if (typeof value !== "string") throw wrong(name, value, "a string");
  // Half of a surrogate pair has no UTF-8: it would come back as another character.
  if (/\p{Surrogate}/u.test(value)) throw wrong(name, value, "whole characters");
  return value;
}

/** A function. */
export function callable<T>(name: string, value: T): T {
  if (typeof value === "function") return value;
  throw wrong(name, value, "a function");
}

/** An array. */
export function list<T>(name: string, value: readonly T[]): readonly T[] {
  if (Array.isArray(value)) return value as readonly T[];
  throw wrong(name, value, "an array");
}

/** An object of the class `Type`, which is `called` so: its own name does not survive bundlers. */
export function instance<T>(
  name: string,
  value: T,
  [Type, called]: [new (...args: never[]) => T, called: string],
): T {
  if (value instanceof Type) return value;
  throw wrong(name, value, called);
}

/** Numbers none of which is NaN or infinite, in rows of `dim`. */
export function finite(what: string, values: Float32Array, dim: number): void {
  const place = values.findIndex((x) => !Number.isFinite(x));
  if (place < 0) return;
  const row = Math.floor(place / dim);
  throw wrong(`row ${row} of ${what}`, values[place], "finite numbers");
}

/** Numbers that are still there: a buffer that was transferred to another thread leaves none behind. */
export function attached(what: string, values: Float32Array, count: number): void {
  try {
    new DataView(values.buffer); // Throws where the buffer was transferred.
    if (values.length === count) return;
  } catch {
    // The error follows.
  }
  const hint = "Transfer a copy: slice() makes one.";
  const message = `${what}: expected ${count} numbers, got none: they were transferred away`;
  throw new KithError("SETTING", message, { hint });
}

/** Changes by name, `{ 'encoder.pool': 'cls_mean' }`, as on the command line: `encoder.pool=cls_mean`. */
export function changesOf(set: Readonly<Record<string, unknown>> | undefined): string[] {
  return Object.entries(optionsOf(set)).map(([key, value]) => {
    const simple = ["string", "number", "boolean"].includes(typeof value);
    if (!simple) throw wrong(`set ${key}`, value, "a string, a number or a boolean");
    return `${key}=${String(value)}`;
  });
}

/** Options of a call: an object, or nothing. */
export function optionsOf<T extends object>(given: T | undefined): T {
  const options = given === undefined ? ({} as T) : given;
  if (typeof options !== "object" || options === null) throw wrong("options", given, "an object");
  const { signal, onProgress } = options as CallOptions;
  const listens = typeof signal?.addEventListener === "function";
  // `fetch` takes null for no signal, so callers pass it here, too.
  if (signal != null && !listens) throw wrong("signal", signal, "an AbortSignal");
  if (onProgress != null) callable("onProgress", onProgress);
  return options;
}

/** Options that say what computes. */
export function engineOptions<T extends EngineOptions>(given: T | undefined): T {
  const options = optionsOf(given);
  const { device, allowSoftware, worker, workerUrl, wasmUrl, fetch } = options;
  if (device !== undefined) oneOf("device", device, ["auto", "webgpu", "cpu"]);
  if (allowSoftware !== undefined) flag("allowSoftware", allowSoftware);
  if (worker !== undefined) callable("worker", worker);
  if (workerUrl !== undefined) address("workerUrl", workerUrl);
  if (wasmUrl !== undefined && (typeof wasmUrl !== "object" || wasmUrl === null)) {
    address("wasmUrl", wasmUrl);
  }
  if (fetch !== undefined) callable("fetch", fetch);
  return options;
}

function address(name: string, value: string | URL): void {
  if (typeof value !== "string" && !(value instanceof URL)) throw wrong(name, value, "a URL");
}

/** A copy of what JSON can hold. */
export function plain<T>(name: string, value: T): T {
  if (deeper(value, DEEPEST)) throw wrong(name, value, `at most ${DEEPEST} levels`);
  try {
    return JSON.parse(JSON.stringify(value)) as T;
  } catch (cause) {
    const message = `${name} = ${describe(value)}: expected what JSON can hold: ${describe(cause)}`;
    throw new KithError("SETTING", message, { cause });
  }
}

/** Whether a value nests deeper than so many levels. */
function deeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => deeper(inner, levels - 1));
}

/** The refusal of a value. */
export function wrong(name: string, value: unknown, expected: string): KithError {
  return new KithError("SETTING", `${name} = ${describe(value)}: expected ${expected}`);
}
