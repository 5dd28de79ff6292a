/**
 * What Node does in its own way: everything is computed in place, on the CPU, and paths are read. The
 * build puts this file in the place of `platform.ts`.
 */
import { readFile as read } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { Backend, type Loader } from "./backend.js";
import { KithError } from "./errors.js";
import { codeOf, computeMap, type MapMessage, type MapTask } from "./map.js";
import type * as Browser from "./platform.js";
import { inlinePort, type Port } from "./port.js";
import { describe } from "./describe.js";
import { trapped } from "./trap.js";
import { wasmFile } from "./wasm-file.js";
import type { WasmModule } from "./wasm-module.js";

/** How often a backend was started. Modules are singletons, and a panic ends one for good. */
let starts = 0;

/** Imports the script beside the WebAssembly anew. */
async function script(): Promise<WasmModule> {
  starts += 1;
  return (await import(new URL(`./kith_cpu.js?${starts}`, import.meta.url).href)) as WasmModule;
}

const compile: Loader["compile"] = async (_, url) => {
  const from = url ?? new URL(`./${wasmFile("cpu")}`, import.meta.url).href;
  const failed = (code: "WASM_FETCH" | "WASM_COMPILE", what: string) => (cause: unknown) => {
    throw new KithError(code, `${from} ${what}: ${describe(cause)}`, { cause });
  };
  const reading = Promise.resolve(from).then((url) => read(fileURLToPath(url)));
  const bytes = await reading.catch(failed("WASM_FETCH", "cannot be read"));
  return WebAssembly.compile(bytes).catch(
    failed("WASM_COMPILE", "is not WebAssembly that runs here"),
  );
};

/** What ends the calls that are under way: one of them has trapped. */
const underWay = new Set<(trap: WebAssembly.RuntimeError) => void>();

/** A trap in a task of the WebAssembly's reaches nobody but the process. Other errors end it, as without this. */
function uncaught(error: unknown): void {
  if (error instanceof WebAssembly.RuntimeError) return underWay.forEach((end) => end(error));
  if (process.listenerCount("uncaughtException") === 1) throw error;
}

/** A call that ends with a trap, too. */
async function untilTrap<R>(call: () => Promise<R>): Promise<R> {
  if (underWay.size === 0) process.on("uncaughtException", uncaught);
  let end!: (trap: WebAssembly.RuntimeError) => void;
  const trap = new Promise<never>((_, reject) => (end = reject));
  underWay.add(end);
  try {
    return await Promise.race([call(), trap]);
  } finally {
    underWay.delete(end);
    if (underWay.size === 0) process.off("uncaughtException", uncaught);
  }
}

/** Starts a backend. Between two calls timers run, so that a caller can abort. */
export function startBackend(): Port {
  let module: WasmModule | undefined;
  const loader: Loader = {
    script: async () => (module = await script()),
    compile,
    transfer: (value) => value,
  };
  return inlinePort(new Backend(loader), async (call) => {
    const answer = await untilTrap(call).catch((error: unknown) => {
      throw error instanceof WebAssembly.RuntimeError ? trapped(module, error) : error;
    });
    await new Promise(setImmediate);
    return answer;
  });
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
