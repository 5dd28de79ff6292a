/**
 * The module that wasm-bindgen writes beside each build, and how the page calls its objects. All
 * types follow from the declarations that wasm-bindgen writes: a new method in Rust is known here.
 */
import type { Immutable } from "./generated.js";
import type * as Glue from "./kith_cpu.js";
import type { Preprocessing } from "./kith_cpu.js";
import type { RawImage } from "./types.js";

/** Both builds, for the CPU and for WebGPU, have the same classes and functions. */
export type WasmModule = typeof Glue;
export type WasmEngine = Glue.Engine;
export type WasmEncoder = Glue.Encoder;
export type WasmBank = Glue.Bank;
export type WasmProbeFit = Glue.ProbeFit;
export type WasmTraining = Glue.Training;
export type WasmLabelPool = Glue.LabelPool;
export type { FitOptions } from "./kith_cpu.js";

declare const CLASS: unique symbol;

/** The number of an object of class `T` in the backend. */
export type Handle<T> = number & { readonly [CLASS]: T };

/** The module itself: its functions, which use no device. */
export const MODULE = 0 as Handle<Omit<WasmModule, "default" | "initSync">>;
/** The device. */
export const ENGINE = 1 as Handle<WasmEngine>;

/** Objects' numbers of each generation of a backend begin with a multiple of it. */
export const GENERATION = 2 ** 32;

/** A picture in a form that can be sent to a worker. */
export type Decodable = Blob | ImageBitmap | RawImage;

/** The square that pictures become. */
export interface Frame {
  /** Height and width in pixels. */
  readonly side: number;
  /** As an encoder's info has it; without it, the largest square in the middle is taken. */
  readonly preprocessing?: Preprocessing | undefined;
}

/** Pictures of any size. The backend makes squares of them, `[n, 3, side, side]`. */
export interface Pictures extends Frame {
  readonly pictures: readonly Decodable[];
  /** Index of the first one in all that the caller gave, for messages. */
  readonly first: number;
}

type AnyFunction = (...args: never[]) => unknown;

/** Names of the methods of a class; objects are let go by `free` of the backend. */
export type MethodOf<T> = Exclude<
  { [K in keyof T]: T[K] extends AnyFunction ? K : never }[keyof T],
  "free" | symbol
>;

/** What a method takes; pictures may stand in place of their pixels. */
export type ArgumentsOf<T, K extends keyof T> = T[K] extends (...args: infer A) => unknown
  ? { [I in keyof A]: Immutable<A[I]> | (Uint8Array extends A[I] ? Pictures : never) }
  : never;

/** What a method gives; objects stay in the backend, and their numbers come. */
export type AnswerOf<T, K extends keyof T> = T[K] extends (...args: never[]) => infer R
  ? Answer<Awaited<R>>
  : never;

type Answer<R> = R extends { free(): void } ? Handle<R> : Immutable<R>;
