/** What the elements say, in plain words. */
import type { DeviceReport, FallbackReason, Progress } from "../index.js";

const REASONS: Readonly<Record<FallbackReason, string>> = {
  "no-navigator-gpu": "this browser has no WebGPU",
  "insecure-context": "WebGPU needs https or localhost",
  "adapter-null": "the browser found no graphics card for WebGPU",
  "no-timestamp-query": "the graphics card cannot measure time, which is needed",
  "limits-too-low": "the graphics card allows only little memory at a time",
  "device-request-failed": "the graphics card could not be opened",
  "self-test-failed": "the graphics card computes wrong numbers",
  "device-lost": "the graphics card stopped working for this page",
  "software-adapter": "the graphics card here is only imitated, which is slower",
  "forced-cpu": "the page chose it",
  node: "there is no browser",
};

const PHASES: Readonly<Record<Progress["phase"], string>> = {
  wasm: "Loading the program",
  checkpoint: "Loading the encoder",
  upload: "Opening the encoder",
  warmup: "Trying the encoder",
  embed: "Looking at pictures",
  index: "Comparing pictures",
  train: "Learning the classes",
  project: "Drawing a map",
};

/** What computes, and why. */
export function deviceWords({ actual, adapter, reason }: DeviceReport): string {
  const here = "Pictures stay in this browser.";
  if (actual === "cpu") {
    return `Computed on the CPU${reason ? `, because ${REASONS[reason]}` : ""}. ${here}`;
  }
  const { vendor = "", architecture = "", description = "" } = adapter ?? {};
  const name = description || [vendor, architecture].filter(Boolean).join(" ");
  return `Computed on the graphics card by WebGPU${name && ` (${name})`}. ${here}`;
}

/** How far a call is. */
export function progressWords({ phase, loaded, total, fromCache }: Progress): string {
  const words = PHASES[phase];
  if (phase === "embed" && total !== null) return `${words}: ${loaded} of ${total}`;
  return phase === "checkpoint" && fromCache ? `${words} that was kept from before` : words;
}

export const percent = (share: number): string =>
  Number.isFinite(share)
    ? share.toLocaleString("en", { style: "percent", maximumFractionDigits: 1 })
    : "not known";

/** A cosine with its sign as text has it. */
export const cosineWords = (cosine: number): string => cosine.toFixed(3).replace("-", "−");

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
