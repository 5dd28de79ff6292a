/** The worker in which everything is computed. */
import { Backend, withCode, type Kind, type Loader } from "./backend.js";
import * as cpu from "./kith_cpu.js";
import * as webgpu from "./kith_webgpu.js";
import { answer, tellBytes, transfer, type Calls } from "./messages.js";
import { compile } from "./wasm.js";
import type { WasmModule } from "./wasm-module.js";

const BESIDE: Record<Kind, () => URL> = {
  cpu: () => new URL("./kith_cpu_bg.wasm", import.meta.url),
  webgpu: () => new URL("./kith_webgpu_bg.wasm", import.meta.url),
};

const loader: Loader = {
  script: async (kind) => (kind === "cpu" ? cpu : webgpu) as WasmModule,
  compile: (kind, url) => compile(url ?? BESIDE[kind]().href, tellBytes),
  transfer,
};

/** A panic prints its message before it traps; the trap itself says nothing. */
let panicked: string | undefined;
const print = console.error.bind(console);
console.error = (...words: unknown[]): void => {
  const said = String(words[0]);
  if (said.includes("panicked at")) panicked = said.split("\n\nStack")[0]?.trim();
  print(...words);
};

/** A panic has printed by the time it traps. What stops without a word was refused memory. */
function saidOf(trap: WebAssembly.RuntimeError): string {
  if (panicked) return panicked;
  const refused = /unreachable/i.test(trap.message);
  return refused ? "out of memory: the WebAssembly was refused what it asked for" : trap.message;
}

/** What is computed asynchronously traps outside of the call, which then has no answer. */
addEventListener("error", (event) => {
  if (!(event.error instanceof WebAssembly.RuntimeError)) return;
  event.preventDefault();
  reportError(new Error(saidOf(event.error)));
});

/** Errors reach the page with their codes, a trap with what the panic printed. */
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
          throw trap ? new Error(saidOf(thrown)) : withCode(thrown);
        }
      };
    },
  });
}

answer(guarded(new Backend(loader)) as unknown as Calls);
