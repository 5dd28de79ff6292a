/** Where the WebAssembly lies, if the caller says so. */
import type { Kind } from "./backend.js";
import { KithError } from "./errors.js";
import { describe } from "./describe.js";
import type { EngineOptions } from "./types.js";
import { wasmFile } from "./wasm-file.js";

/** Address of a build: in a folder, or named for itself. Errors: `WASM_FETCH`. */
export function wasmUrl(from: EngineOptions["wasmUrl"], kind: Kind): string | undefined {
  if (from === undefined) return undefined;
  if (typeof from !== "string" && !(from instanceof URL)) {
    const own = from[kind];
    return own === undefined ? undefined : absolute(own);
  }
  const folder = absolute(from);
  return folder.endsWith(".wasm") ? folder : `${folder.replace(/\/$/, "")}/${wasmFile(kind)}`;
}

function absolute(url: string | URL): string {
  try {
    return new URL(url, globalThis.location?.href).href;
  } catch (cause) {
    const message = `wasmUrl = ${describe(url)} is no address: ${describe(cause)}`;
    throw new KithError("WASM_FETCH", message, { cause });
  }
}
