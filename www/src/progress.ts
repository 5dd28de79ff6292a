/** Long work, shown where it was asked for: what is being done, how far, how to cancel, what failed. */
import type { CallOptions, Progress } from "kith-web";
import { announce } from "./announce.js";
import { button, el, megabytes } from "./element.js";
import { errorBox } from "./error-box.js";

const PHASES: Readonly<Record<Progress["phase"], string>> = {
  wasm: "Fetching the program",
  checkpoint: "Fetching the network",
  upload: "Reading the network",
  warmup: "Trying it once",
  embed: "Looking at pictures",
  index: "Putting pictures in order",
  train: "Training",
  project: "Drawing the map",
};

/** Phases whose amounts are bytes. */
const IN_BYTES: ReadonlySet<Progress["phase"]> = new Set(["wasm", "checkpoint", "upload"]);

/**
 * Does work and shows it in `place`, where it says too that it was cancelled or what failed. What
 * comes after it belongs into `work`, so that another try does it too.
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
  const own = el("div", { class: "progress" }, bar, line);
  container.replaceChildren(own);
  announce(`${title} …`);
  try {
    await work({
      signal: abort.signal,
      onProgress: (progress) => showProgress(bar, words, progress),
    });
    own.remove();
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
  const kept = fromCache ? ", kept from an earlier visit" : "";
  words.textContent = `${PHASES[phase]}: ${amount(loaded)}${of}${kept}`;
  if (fraction === null) bar.removeAttribute("aria-valuenow");
  else {
    const whole = Math.round(100 * fraction);
    bar.setAttribute("aria-valuenow", String(whole));
    bar.style.setProperty("--done", String(fraction));
    announce(`${PHASES[phase]}, ${whole} %`);
  }
}
