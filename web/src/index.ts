/** kith-web in a browser: everything is computed in a worker. */
import { setStarter } from "./engine.js";
import { workerPort } from "./port.js";
import { inWorker, setUmapRunner } from "./projection.js";

export * from "./api.js";

// Written out, so that bundlers see which files belong to the package.
setStarter(({ worker, workerUrl }) =>
  workerPort(
    worker ??
      (() =>
        workerUrl
          ? new Worker(workerUrl, { type: "module" })
          : new Worker(new URL("./worker.js", import.meta.url), { type: "module" })),
  ),
);
setUmapRunner(
  inWorker(() => new Worker(new URL("./umap-worker.js", import.meta.url), { type: "module" })),
);
