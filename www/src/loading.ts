/** The offer to load the network: how much comes, then how far it is, then nothing. */
import { button, el, megabytes } from "./element.js";
import type { Desk } from "./desk.js";
import { shownWork } from "./work.js";

/** What is downloaded for a device: the program and the networks. */
function size(desk: Desk): string {
  const networks = (desk.sight.facts?.bytes ?? 0) + (desk.random.facts?.bytes ?? 0);
  const wanted = desk.device === "webgpu" ? WASM_BYTES.webgpu : WASM_BYTES.cpu;
  return megabytes(wanted + networks);
}

/** A place that offers to load the network for `why`, and is empty once it is. */
export function loading(desk: Desk, why: string, until: AbortSignal): HTMLElement {
  const place = el("div", { class: "loading" });
  const draw = (): void => {
    if (desk.encoder) place.replaceChildren();
    else if (!place.querySelector(".work")) place.replaceChildren(offer(desk, why, place));
  };
  desk.on("sight", draw, until);
  draw();
  return place;
}

function offer(desk: Desk, why: string, place: HTMLElement): HTMLElement {
  const load = () => void shownWork(place, "Loading the network", (call) => desk.load(call));
  return el(
    "div",
    { class: "offer" },
    el("p", {}, why),
    button(`Load the network (${size(desk)})`, load, { class: "main" }),
  );
}
