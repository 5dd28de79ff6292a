/** Shows an error where it happened: what to do next, and diagnostics to send with a report. */
import { KithError, type DeviceReport, type ErrorCode } from "kith-web";
import { button, el } from "./element.js";
import { announce } from "./announce.js";

/** Facts about the page that the diagnostics contain. */
export const diagnosticContext: { device?: DeviceReport; checkpoint?: string } = {};

/** What a user can do, for errors whose hint from the package is meant for programmers. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  NO_WEBGPU: "Choose “CPU” below, at “Compute with”.",
  SELF_TEST_FAILED: "Choose “CPU” below, at “Compute with”.",
  GPU_ERROR: "Choose “CPU” below, at “Compute with”.",
  OUT_OF_MEMORY: "Close other tabs, use fewer pictures, or a smaller batch.",
  WASM_FETCH:
    "Check your connection and try again. For the owner of this site: the .wasm files must be on the server.",
  WORKER_START: "Reload the page; a browser extension may have blocked its program.",
  WASM_PANIC: "Try again: the program restarts. Please report this with the diagnostics.",
  ENCODER_MISMATCH: "Open the network that it was made with in the panel Checkpoint.",
  UNTOLD: "Fill it in below, under “What a file of other people's does not say”, and try again.",
  DIM_MISMATCH: "Open the network that it was made with in the panel Checkpoint.",
};

/** A box with the error and the next step; `retry` is the action of its button. */
export function errorBox(error: unknown, retry?: () => void): HTMLElement {
  const coded = error instanceof KithError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const hint = (coded && HINTS[coded.code]) ?? hintOf(error) ?? "Try again, or reload the page.";
  announce(`That did not work: ${message}`);
  const diagnostics = JSON.stringify(diagnosticsFor(error), null, 2);
  const copy = button("Copy diagnostics", () => void copyText(copy, diagnostics));
  return el(
    "div",
    { class: "error-box", role: "group", "aria-label": "Something went wrong" },
    el("p", {}, el("strong", {}, "That did not work. "), message),
    el("p", {}, hint),
    el("p", { class: "row" }, retry && button("Try again", retry), copy),
    el("details", {}, el("summary", {}, "Diagnostics"), el("pre", { tabindex: 0 }, diagnostics)),
  );
}

/** What to do, if the error says it: those of the package and of a server do. */
function hintOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("hint" in error)) return undefined;
  return typeof error.hint === "string" ? error.hint : undefined;
}

function diagnosticsFor(error: unknown): unknown {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return {
    page: VERSION,
    code,
    error: `${name}: ${message}`,
    stack: stack?.split("\n").slice(0, 6),
    ...diagnosticContext,
    agent: navigator.userAgent,
    secure: isSecureContext,
    language: navigator.language,
    cores: navigator.hardwareConcurrency,
  };
}

async function copyText(own: HTMLButtonElement, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    own.textContent = "Copied";
  } catch {
    own.textContent = "Select the text below";
  }
}
