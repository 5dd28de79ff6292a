/** The offer to load the network: how much comes, then how far it is, then nothing. */
import { button, el, megabytes } from "./element.js";
import type { AppState } from "./app-state.js";
import { withProgress } from "./progress.js";

/** What is downloaded for a device: the program and the networks. */
function size(app: AppState): string {
  const networks = (app.network.metadata?.bytes ?? 0) + (app.random.metadata?.bytes ?? 0);
  const wanted = app.device === "webgpu" ? WASM_BYTES.webgpu : WASM_BYTES.cpu;
  return megabytes(wanted + networks);
}

/** A place that offers to load the network for `why`, and is empty once it is. */
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
    button(`Load the network (${size(app)})`, load, { class: "main" }),
  );
}
