/**
 * Shows long work where it was started: what is done, the progress, a cancel button, and errors.
 */
import type { CallOptions, Progress } from "kith-web";
import { announce } from "./announce.js";
import { button, el, megabytes } from "./element.js";
import { errorBox } from "./error-box.js";

const PHASES: Readonly<Record<Progress["phase"], string>> = {
  wasm: "Downloading the program",
  checkpoint: "Downloading the network",
  upload: "Reading the network",
  warmup: "Warming up",
  embed: "Computing embeddings",
  index: "Building the index",
  train: "Training",
  project: "Drawing the map",
};

/** Phases that count bytes. */
const IN_BYTES: ReadonlySet<Progress["phase"]> = new Set(["wasm", "checkpoint", "upload"]);

/**
 * Runs `work` and shows its progress in `container`, also if it was cancelled or failed. Whatever
 * follows from its result belongs into `work`, so that the retry button repeats it too.
 */
export async function withProgress(
  container: HTMLElement,
  title: string,
  work: (options: Required<CallOptions>) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  const bar = el("div", { class: "bar", role: "progressbar", "aria-label": title });
  const words = el("span", {}, `${title} …`);
  const cancel = button("Cancel", () => abort.abort(), { class: "quiet" });
  const line = el("p", { class: "row" }, words, cancel);
  const box = el("div", { class: "progress" }, bar, line);
  container.replaceChildren(box);
  announce(`${title} …`);
  try {
    await work({
      signal: abort.signal,
      onProgress: (progress) => showProgress(bar, words, progress),
    });
    box.remove();
    announce(`${title}: done`);
  } catch (error) {
    const retry = () => void withProgress(container, title, work);
    const cancelled = abort.signal.aborted;
    container.replaceChildren(
      cancelled ? el("p", { class: "aside" }, "Cancelled.") : errorBox(error, retry),
    );
    if (cancelled) announce("Cancelled.");
  }
}

function showProgress(bar: HTMLElement, words: HTMLElement, progress: Progress): void {
  const { phase, loaded, total, fraction, fromCache } = progress;
  const amount = IN_BYTES.has(phase) ? megabytes : String;
  const of = total === null ? "" : ` of ${amount(total)}`;
  const kept = fromCache ? ", from the cache" : "";
  words.textContent = `${PHASES[phase]}: ${amount(loaded)}${of}${kept}`;
  if (fraction === null) bar.removeAttribute("aria-valuenow");
  else {
    const whole = Math.round(100 * fraction);
    bar.setAttribute("aria-valuenow", String(whole));
    bar.style.setProperty("--done", String(fraction));
    announce(`${PHASES[phase]}, ${whole} %`);
  }
}
