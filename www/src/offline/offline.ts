/** The page without a network: kept on the first visit, renewed when asked, forgotten when asked. */
import { clear as clearStore } from "idb-keyval";
import { checkpointCache, probeDevice } from "kith-web";
import { button, el, megabytes } from "../element.js";
import { prefersReducedData } from "../save-data.js";
import { store } from "../storage.js";

/** Registers the service worker of a built page, and says what it keeps. */
export function offline(container: HTMLElement): void {
  const words = el("p", {});
  const update = el("p", {});
  container.replaceChildren(words, update, clearButton());
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data === "all kept") words.textContent = "Kept: this page opens without a network, too.";
  });
  void register(update).catch(() => {
    words.textContent = "This browser keeps nothing: without a network the page does not open.";
  });
}

async function register(update: HTMLElement): Promise<void> {
  const first = !navigator.serviceWorker.controller;
  const registration = await navigator.serviceWorker.register("./offline.js");
  registration.addEventListener("updatefound", () => {
    const fresh = registration.installing;
    fresh?.addEventListener("statechange", () => {
      if (fresh.state === "installed" && !first) offer(update, fresh);
    });
  });
  if (registration.waiting && !first) offer(update, registration.waiting);
  const ready = await navigator.serviceWorker.ready;
  // Of the two builds of the program, a browser needs the one that it can run.
  const { actual } = await probeDevice();
  const keepAllBut = actual === "webgpu" ? "kith_cpu" : "kith_webgpu";
  whenIdle(() => ready.active?.postMessage({ keepAllBut }));
}

function offer(container: HTMLElement, fresh: ServiceWorker): void {
  const renew = (): void => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
    fresh.postMessage("take over");
  };
  container.replaceChildren("There is a newer version of this page. ", button("Use it", renew));
}

/** Large files come once the page is at rest, and not where the visitor saves data. */
function whenIdle(work: () => void): void {
  if (prefersReducedData()) return;
  const soon = globalThis.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 2000));
  soon(() => work());
}

/** What is kept, and a way to be rid of it. */
function clearButton(): HTMLElement {
  const container = el("p", { class: "row" });
  const draw = async (): Promise<void> => {
    const { usage } = await checkpointCache.estimate();
    if (usage === 0) return container.replaceChildren();
    const text = `Clear what this page keeps (${megabytes(usage)})`;
    container.replaceChildren(button(text, () => void clear(), { class: "quiet" }));
  };
  const clear = async (): Promise<void> => {
    for (const name of await caches.keys()) await caches.delete(name);
    await clearStore(store).catch(() => {});
    await (await navigator.serviceWorker?.getRegistration())?.unregister();
    container.replaceChildren("Cleared. The next visit fetches everything anew.");
  };
  setTimeout(() => void draw(), 3000);
  return container;
}
