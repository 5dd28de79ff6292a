/** One voice for screen readers: short news, at most one a second. */
import { el } from "./element.js";

const PAUSE_MS = 1000;
const voice = el("p", { class: "unseen", role: "status", "aria-live": "polite" });
let waiting: string | undefined;
let silent = false;

/** Puts the voice on the page. */
export function giveVoice(): void {
  document.body.append(voice);
}

/** Says something; of what comes within a second, the last. */
export function said(words: string): void {
  if (silent) {
    waiting = words;
    return;
  }
  voice.textContent = words;
  silent = true;
  setTimeout(() => {
    silent = false;
    const next = waiting;
    waiting = undefined;
    if (next !== undefined) said(next);
  }, PAUSE_MS);
}
