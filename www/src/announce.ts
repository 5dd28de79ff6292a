/** Announcements for screen readers, at most one per second. */
import { el } from "./element.js";

const PAUSE_MS = 1000;
const region = el("p", { class: "visually-hidden", role: "status", "aria-live": "polite" });
let waiting: string | undefined;
let paused = false;

/** Adds the live region to the page. */
export function addAnnouncer(): void {
  document.body.append(region);
}

/** Announces a text; of several within a second, only the last. */
export function announce(text: string): void {
  if (paused) {
    waiting = text;
    return;
  }
  region.textContent = text;
  paused = true;
  setTimeout(() => {
    paused = false;
    const next = waiting;
    waiting = undefined;
    if (next !== undefined) announce(next);
  }, PAUSE_MS);
}
