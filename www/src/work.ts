/** Long work, shown where it was asked for: what is being done, how far, how to cancel, what failed. */
import type { CallOptions, Progress } from "kith-web";
import { said } from "./announce.js";
import { button, el, megabytes } from "./element.js";
import { trouble } from "./trouble.js";

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
export async function shownWork(
  place: HTMLElement,
  title: string,
  work: (options: Required<CallOptions>) => Promise<void>,
): Promise<void> {
  const giveUp = new AbortController();
  const bar = el("div", { class: "bar", role: "progressbar", "aria-label": title });
  const words = el("span", {}, `${title} …`);
  const cancel = button("Cancel", () => giveUp.abort(), { class: "quiet" });
  const line = el("p", { class: "row" }, words, cancel);
  const own = el("div", { class: "work" }, bar, line);
  place.replaceChildren(own);
  said(`${title} …`);
  try {
    await work({
      signal: giveUp.signal,
      onProgress: (progress) => tell(bar, words, progress),
    });
    own.remove();
    said(`${title}: done`);
  } catch (error) {
    const again = () => void shownWork(place, title, work);
    const cancelled = giveUp.signal.aborted;
    place.replaceChildren(
      cancelled ? el("p", { class: "aside" }, "Cancelled.") : trouble(error, again),
    );
    if (cancelled) said("Cancelled.");
  }
}

function tell(bar: HTMLElement, words: HTMLElement, progress: Progress): void {
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
    said(`${PHASES[phase]}, ${whole} %`);
  }
}
