/** Offers to load the network: first the size, then the progress, then nothing. */
import { button, el, megabytes } from "./element.js";
import type { AppState } from "./app-state.js";
import { withProgress } from "./progress.js";

/** The size of what is downloaded: the program and the networks. */
export function downloadSize(app: AppState): string {
  const networks = (app.network.metadata?.bytes ?? 0) + (app.random.metadata?.bytes ?? 0);
  const wanted = app.device === "webgpu" ? WASM_BYTES.webgpu : WASM_BYTES.cpu;
  return megabytes(wanted + networks);
}

/** An element with the offer and its reason `why`; empty once the network is loaded. */
export function loadOffer(app: AppState, why: string, closed: AbortSignal): HTMLElement {
  const container = el("div", { class: "loading" });
  const draw = (): void => {
    if (app.encoder) container.replaceChildren();
    else if (!container.querySelector(".progress"))
      container.replaceChildren(offer(app, why, container));
  };
  app.on("network", draw, closed);
  draw();
  return container;
}

function offer(app: AppState, why: string, container: HTMLElement): HTMLElement {
  const load = () => void withProgress(container, "Loading the network", (call) => app.load(call));
  return el(
    "div",
    { class: "offer" },
    el("p", {}, why),
    button(`Load the network (${downloadSize(app)})`, load, { class: "main" }),
  );
}
