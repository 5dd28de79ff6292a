/** Which build of the core a browser loads. */
import { oneOf } from "./checks.js";

/** A file of WebAssembly in the package's folder `dist`. */
export type WasmFile = "kith_cpu_bg.wasm" | "kith_cpu_relaxed_bg.wasm" | "kith_webgpu_bg.wasm";

// prettier-ignore
/** A module with one function, `f32x4.relaxed_madd` of its three arguments. */
const FUSED = [
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b,
  3, 2, 1, 0,
  10, 13, 1, 11, 0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x85, 2, 0x0b,
];

/**
 * The file that is loaded here to compute on a device. On the CPU, `kith_cpu_relaxed_bg.wasm` where products
 * can be added at once (relaxed SIMD), which is faster; numbers differ by rounding.
 * Errors: `SETTING` for another device.
 */
export function wasmFile(device: "cpu" | "webgpu"): WasmFile {
  oneOf("device", device, ["cpu", "webgpu"]);
  if (device === "webgpu") return "kith_webgpu_bg.wasm";
  // Where WebAssembly is switched off, loading says so.
  const fused = globalThis.WebAssembly?.validate(Uint8Array.from(FUSED)) ?? false;
  return fused ? "kith_cpu_relaxed_bg.wasm" : "kith_cpu_bg.wasm";
}
