/** Offline use: the page is cached on the first visit; users can update and clear the cache. */
import { clear as clearStore } from "idb-keyval";
import { checkpointCache, probeDevice, wasmFile } from "kith-web";
import { button, el, megabytes } from "../element.js";
import { removeAllRuns } from "../learn/kept/kept-runs.js";
import { deleteKept } from "../own/kept-pictures.js";
import { prefersReducedData } from "../save-data.js";
import { store } from "../storage.js";

const stem = (file: string): string => file.replace(".wasm", "");

/** The builds of the program, as their files begin: a hash follows. */
const WASM = ["kith_cpu_bg", "kith_cpu_relaxed_bg", "kith_webgpu_bg"];

/** Registers the service worker of a built page, and shows its state. */
export function offline(container: HTMLElement): void {
  const words = el("p", {});
  const update = el("p", {});
  container.replaceChildren(words, update, clearButton());
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data === "all kept") words.textContent = "Stored: this page opens offline too.";
  });
  void register(update).catch(() => {
    words.textContent = "This browser does not keep the page itself: it does not open offline.";
  });
}

async function register(update: HTMLElement): Promise<void> {
  const first = !navigator.serviceWorker.controller;
  const registration = await navigator.serviceWorker.register("./offline.js");
  registration.addEventListener("updatefound", () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed" && !first) offer(update, worker);
    });
  });
  if (registration.waiting && !first) offer(update, registration.waiting);
  const ready = await navigator.serviceWorker.ready;
  // Only the build of the program that this browser can run is cached.
  const { actual } = await probeDevice();
  const own = stem(wasmFile(actual));
  const keepAllBut = WASM.filter((name) => name !== own);
  whenIdle(() => ready.active?.postMessage({ keepAllBut }));
}

function offer(container: HTMLElement, worker: ServiceWorker): void {
  const renew = (): void => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    worker.postMessage("take over");
  };
  container.replaceChildren("There is a newer version of this page. ", button("Update", renew));
}

/** Large files are downloaded when the browser is idle, and not if the user reduces data use. */
function whenIdle(work: () => void): void {
  if (prefersReducedData()) return;
  const soon = globalThis.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 2000));
  soon(() => work());
}

/** A button that shows the size of what is stored, and clears it. */
function clearButton(): HTMLElement {
  const container = el("p", { class: "row" });
  const draw = async (): Promise<void> => {
    const { usage } = await checkpointCache.estimate();
    if (usage === 0) return container.replaceChildren();
    const text = `Clear stored data, your pictures and runs too (${megabytes(usage)})`;
    container.replaceChildren(button(text, () => void clear(), { class: "quiet" }));
  };
  const clear = async (): Promise<void> => {
    for (const name of await caches.keys()) await caches.delete(name);
    await clearStore(store).catch(() => {});
    await deleteKept().catch(() => {});
    await removeAllRuns().catch(() => {});
    await (await navigator.serviceWorker?.getRegistration())?.unregister();
    container.replaceChildren("Cleared. The next visit downloads everything again.");
  };
  setTimeout(() => void draw(), 3000);
  return container;
}
