/**
 * What Node does in its own way: everything is computed in place, on the CPU, and paths are read. The
 * build puts this file in the place of `platform.ts`.
 */
import { readFile as read } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { Backend, type Loader } from "./backend.js";
import { KithError } from "./errors.js";
import { codeOf, computeMap, type MapMessage, type MapTask } from "./map.js";
import type * as Browser from "./platform.js";
import { inlinePort, type Port } from "./port.js";
import { describe } from "./describe.js";
import type { WasmModule } from "./wasm-module.js";

/** How often a backend was started. Modules are singletons, and a panic ends one for good. */
let starts = 0;

const loader: Loader = {
  script: async () => {
    starts += 1;
    return (await import(new URL(`./kith_cpu.js?${starts}`, import.meta.url).href)) as WasmModule;
  },
  compile: async (_, url) => {
    const from = url ?? new URL("./kith_cpu_bg.wasm", import.meta.url).href;
    const failed = (code: "WASM_FETCH" | "WASM_COMPILE", what: string) => (cause: unknown) => {
      throw new KithError(code, `${from} ${what}: ${describe(cause)}`, { cause });
    };
    const reading = Promise.resolve(from).then((url) => read(fileURLToPath(url)));
    const bytes = await reading.catch(failed("WASM_FETCH", "cannot be read"));
    return WebAssembly.compile(bytes).catch(
      failed("WASM_COMPILE", "is not WebAssembly that runs here"),
    );
  },
  transfer: (value) => value,
};

/** Starts a backend. Between two calls timers run, so that a caller can abort. */
export function startBackend(): Port {
  return inlinePort(new Backend(loader), () => new Promise(setImmediate));
}

/** Everything is computed in place already. */
export const inPage: typeof Browser.inPage = undefined;

/** Backends share one thread. */
export const parallel: typeof Browser.parallel = false;

/** Starts to compute a map. */
export function startMap(task: MapTask, onMessage: (message: MapMessage) => void): Browser.MapRun {
  const points = Promise.resolve()
    .then(() => computeMap(task, onMessage))
    .catch((error: unknown) => {
      throw new KithError(codeOf(error), describe(error), { cause: error });
    });
  return { points, cancel: () => {} };
}

/** Reads a file by its path or file URL. */
export async function readFile(path: string | URL): Promise<Uint8Array> {
  try {
    return new Uint8Array(await read(path));
  } catch (cause) {
    throw new KithError("CHECKPOINT_HTTP", `${path} cannot be read: ${describe(cause)}`, { cause });
  }
}
