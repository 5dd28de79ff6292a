/** A backend in the page itself, for work that takes less time than the way to the worker and back. */
import { Backend } from "./backend.js";
import * as cpu from "./kith_cpu.js";
import type { WasmModule } from "./wasm-module.js";

/** The page's backend. The script beside the WebAssembly has room for one, which stays. */
let opened: Promise<Backend> | undefined;

/** The page's backend on a module that was compiled for a worker. */
export function open(module: WebAssembly.Module): Promise<Backend> {
  return (opened ??= (async () => {
    const backend = new Backend({
      script: async () => cpu as WasmModule,
      compile: async () => module,
      transfer: (value) => value,
    });
    await backend.open("cpu", { module });
    return backend;
  })());
}

/** Work that ends with a trap, too: a panic in a task of the WebAssembly's reaches nobody but the window. */
export function untilTrap<R>(work: () => Promise<R>): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const trap = (event: ErrorEvent): void => {
      if (!(event.error instanceof WebAssembly.RuntimeError)) return;
      event.preventDefault();
      removeEventListener("error", trap);
      reject(event.error);
    };
    addEventListener("error", trap);
    work()
      .finally(() => removeEventListener("error", trap))
      .then(resolve, reject);
  });
}
