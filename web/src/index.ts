/** kith-web in a browser: everything is computed in a worker. */
import { setStarter } from "./engine.js";
import { workerPort } from "./port.js";
import { inWorker, setMapRunner } from "./projection.js";

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
setMapRunner(
  inWorker(() => new Worker(new URL("./map-worker.js", import.meta.url), { type: "module" })),
);
