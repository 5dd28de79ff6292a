/** kith-web in Node: the CPU, in place; pictures are `{ data, width, height, channels }`. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { Backend, type Loader } from "./backend.js";
import { files } from "./bytes.js";
import { setStarter } from "./engine.js";
import { KithError } from "./errors.js";
import { inlinePort } from "./port.js";
import { codeOf, drawn } from "./map-worker.js";
import { setMapRunner } from "./projection.js";
import { shown } from "./shown.js";
import type { WasmModule } from "./wasm-module.js";

export * from "./api.js";

/** Modules are singletons, and a panic ends one for good: each start takes a new one. */
let starts = 0;

const loader: Loader = {
  script: async () => {
    starts += 1;
    return (await import(new URL(`./kith_cpu.js?${starts}`, import.meta.url).href)) as WasmModule;
  },
  compile: async (_, url) => {
    const from = url ?? new URL("./kith_cpu_bg.wasm", import.meta.url).href;
    try {
      return await WebAssembly.compile(await readFile(fileURLToPath(from)));
    } catch (cause) {
      throw new KithError("WASM_FETCH", `${from} cannot be read: ${shown(cause)}`, { cause });
    }
  },
  transfer: (value) => value,
};

files.read = async (path) => {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new KithError("CHECKPOINT_HTTP", `${path} cannot be read: ${shown(cause)}`, { cause });
  }
};
// Between two calls timers run, so that a caller can give up.
setStarter(() => inlinePort(new Backend(loader), () => new Promise(setImmediate)));
setMapRunner((task, told) => ({
  found: Promise.resolve()
    .then(() => drawn(task, told))
    .catch((error: unknown) => {
      throw new KithError(codeOf(error), shown(error), { cause: error });
    }),
  cancel: () => {},
}));
