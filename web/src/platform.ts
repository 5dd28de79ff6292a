/** What a browser does in its own way: backends and maps are computed in workers. */
import { KithError } from "./errors.js";
import type * as InPage from "./in-page.js";
import type { MapMessage, MapTask } from "./map.js";
import { started, workerPort, type Port } from "./port.js";
import type { EngineOptions } from "./types.js";
import type { OnBytes } from "./wasm.js";

/** Starts a backend. `onBytes` is told how much of the WebAssembly has come. */
export function startBackend({ worker, workerUrl }: EngineOptions, onBytes: OnBytes): Port {
  // The URL is written out, so that bundlers see which files belong to the package.
  const make = () =>
    workerUrl
      ? new Worker(workerUrl, { type: "module" })
      : new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return workerPort(worker ?? make, onBytes);
}

/** Whether the build has a script of its own for what computes in the page. */
declare const IN_PAGE: boolean;

/** Loads what computes in the page itself. */
export const inPage: (() => Promise<typeof InPage>) | undefined = IN_PAGE
  ? () => import("./in-page.js")
  : undefined;

/** Several backends compute at the same time. */
export const parallel: boolean = true;

/** A map that is being computed. */
export interface MapRun {
  readonly points: Promise<Float32Array>;
  cancel(): void;
}

/** Starts to compute a map. */
export function startMap(task: MapTask, onMessage: (message: MapMessage) => void): MapRun {
  const make = () => new Worker(new URL("./map-worker.js", import.meta.url), { type: "module" });
  const worker = started(make);
  const points = new Promise<Float32Array>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<MapMessage>) => {
      if ("points" in data) resolve(data.points);
      else if ("failed" in data) reject(new KithError(data.code, data.failed));
      else onMessage(data);
    };
    worker.onerror = (event) => reject(new KithError("WORKER_START", event.message));
  });
  worker.postMessage(task, [task.rows.buffer as ArrayBuffer]);
  return { points, cancel: () => worker.terminate() };
}

/** Reads a file by its path or file URL, where there are such. */
export const readFile: ((path: string | URL) => Promise<Uint8Array>) | undefined = undefined;
