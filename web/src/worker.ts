/** The worker in which everything is computed. */
import { Backend, withCode, type Loader } from "./backend.js";
import * as cpu from "./kith_cpu.js";
import * as webgpu from "./kith_webgpu.js";
import { answer, tellBytes, transfer, type Calls } from "./messages.js";
import { trapped } from "./trap.js";
import { compile } from "./wasm.js";
import { wasmFile, type WasmFile } from "./wasm-file.js";
import type { WasmModule } from "./wasm-module.js";

/** Written out, so that bundlers find the files. */
const BESIDE: Record<WasmFile, () => URL> = {
  "kith_cpu_bg.wasm": () => new URL("./kith_cpu_bg.wasm", import.meta.url),
  "kith_cpu_relaxed_bg.wasm": () => new URL("./kith_cpu_relaxed_bg.wasm", import.meta.url),
  "kith_webgpu_bg.wasm": () => new URL("./kith_webgpu_bg.wasm", import.meta.url),
};

let module: WasmModule | undefined;

const loader: Loader = {
  script: async (kind) => (module = (kind === "cpu" ? cpu : webgpu) as WasmModule),
  compile: (kind, url) => compile(url ?? BESIDE[wasmFile(kind)]().href, tellBytes),
  transfer,
};

/** What is computed asynchronously traps outside of the call, which then has no answer. */
addEventListener("error", (event) => {
  if (!(event.error instanceof WebAssembly.RuntimeError)) return;
  event.preventDefault();
  reportError(trapped(module, event.error));
});

/** Errors reach the page with their codes, a trap with what the panic said. */
function guarded(backend: Backend): Backend {
  return new Proxy(backend, {
    get: (target, name) => {
      const method = Reflect.get(target, name, target) as unknown;
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        try {
          return await method.apply(target, args);
        } catch (thrown) {
          const trap = thrown instanceof WebAssembly.RuntimeError;
          throw trap ? trapped(module, thrown) : withCode(thrown);
        }
      };
    },
  });
}

answer(guarded(new Backend(loader)) as unknown as Calls);
