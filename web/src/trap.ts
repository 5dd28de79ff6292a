/** What it means that WebAssembly has trapped. */
import type { WasmModule } from "./wasm-module.js";

/** An error for a trap. A panic has left its words by then; what stops without any was refused memory. */
export function trapped(
  module: WasmModule | undefined,
  { message }: WebAssembly.RuntimeError,
): Error {
  const refused = "out of memory: the WebAssembly was refused what it asked for";
  return new Error(module?.panicked() ?? (/unreachable/i.test(message) ? refused : message));
}
