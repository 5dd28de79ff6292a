/** What went wrong, said where it happened: what to do next, and what to send to whom can help. */
import { KithError, type DeviceReport, type ErrorCode } from "kith-web";
import { button, el } from "./element.js";
import { announce } from "./announce.js";

/** What a report of trouble says of this page. */
export const diagnosticContext: { device?: DeviceReport; checkpoint?: string } = {};

/** What a visitor can do, where the package's hint speaks to programmers. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  NO_WEBGPU: "Choose “Whatever is best” or “Processor” in the line at the foot of the page.",
  SELF_TEST_FAILED: "Choose “Processor” in the line at the foot of the page.",
  GPU_ERROR: "Choose “Processor” in the line at the foot of the page.",
  OUT_OF_MEMORY: "Close other tabs, use fewer pictures, or a smaller batch.",
  WASM_FETCH:
    "Check the network and try again. Who keeps this site: the .wasm files must be there.",
  WORKER_START: "Reload the page; a browser extension may have stopped its program.",
  WASM_PANIC: "Try again: it starts afresh. Please report it with the diagnostics.",
  ENCODER_MISMATCH: "Open the network that it was made with, in the panel Checkpoint.",
  DIM_MISMATCH: "Open the network that it was made with, in the panel Checkpoint.",
};

/** A notice of an error with its next step; `again` tries anew. */
export function errorBox(error: unknown, retry?: () => void): HTMLElement {
  const coded = error instanceof KithError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const hint =
    (coded && HINTS[coded.code]) ?? coded?.hint ?? "Try again; reload the page if it stays.";
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

function diagnosticsFor(error: unknown): unknown {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof KithError ? error.code : undefined;
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
