/** What the two WebAssembly builds give: the same door, for the CPU and for WebGPU. */
import type * as Glue from "./kith_cpu.js";

/** The module that wasm-bindgen writes beside a build. */
export type Door = typeof Glue;
export type { Bank, Encoder, Engine, Pretraining, ProbeFit } from "./kith_cpu.js";
