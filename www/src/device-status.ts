/** The line that shows which device computes and why, with a select to change it. */
import {
  probeDevice,
  type Device,
  type DeviceReport,
  type Encoder,
  type FallbackReason,
} from "kith-web";
import { choice, el } from "./element.js";
import type { AppState } from "./app-state.js";
import { pixelsOf } from "./pixels.js";
import { diagnosticContext } from "./error-box.js";
import { withProgress } from "./progress.js";

/** Pictures used to measure the time per picture; of a large network a few. */
const MEASURED = { most: 32, few: 4 };
/** The time for a few pictures above which no more are measured, in milliseconds. */
const ENOUGH_MS = 200;

const REASONS: Readonly<Record<FallbackReason, string>> = {
  "no-navigator-gpu": "this browser has no WebGPU, the way for pages to use a graphics card",
  "insecure-context": "WebGPU, the faster way, needs https or localhost",
  "adapter-null": "the browser found no graphics card for WebGPU",
  "no-timestamp-query": "the graphics card cannot measure time, which the program needs",
  "limits-too-low": "the graphics card allows only little memory at a time",
  "device-request-failed": "the graphics card could not be opened",
  "self-test-failed": "the graphics card computes wrong numbers",
  "device-lost": "the graphics card stopped working for this page",
  "software-adapter": "here a graphics card is only imitated, which is slower",
  "forced-cpu": "you chose it",
  node: "there is no browser",
};

const HELP: Partial<Record<FallbackReason, string>> = {
  "no-navigator-gpu":
    "Chrome and Edge have WebGPU from version 113 on, Safari from 26, Firefox from 141 on Windows. Everything works without it, only slower.",
  "insecure-context": "Open the page by https, or from this machine as localhost.",
  "adapter-null":
    "On Linux, Chrome may need chrome://flags/#enable-unsafe-webgpu and a Vulkan driver. Everything works without it, only slower.",
  "no-timestamp-query": "A newer browser or driver may be able to. The CPU does the same work.",
  "software-adapter": "Choose WebGPU to use it anyway.",
  "device-lost": "Choose WebGPU to try it again.",
};

const CHOICES: readonly (readonly [Device, string])[] = [
  ["auto", "Choose by itself"],
  ["webgpu", "WebGPU (graphics card)"],
  ["cpu", "CPU (main processor)"],
];

/** Shows the line and keeps it up to date. */
export async function deviceStatus(container: HTMLElement, app: AppState): Promise<void> {
  const words = el("span", { class: "device-words" });
  const help = el("details", { class: "device-help" });
  const status = el("div", { class: "device-work" });
  const select = choice(CHOICES, app.device, async (device) => {
    const wasLoaded = await app.useDevice(device);
    if (wasLoaded)
      await withProgress(status, "Loading on the other device", (call) => app.load(call));
  });
  const label = el("label", { class: "device-choice" }, "Compute with", select);
  container.replaceChildren(el("div", { class: "row" }, words, help, label), status);
  const draw = async (): Promise<void> => {
    const { activeDevice } = app;
    const report = activeDevice ?? (await probeDevice({ device: app.device }));
    diagnosticContext.device = report;
    words.textContent = sentence(report, activeDevice !== undefined);
    showHelp(help, report);
    if (app.encoder) words.append(await timePerPicture(app, app.encoder));
  };
  const always = new AbortController().signal;
  for (const event of ["network", "run"] as const) app.on(event, () => void draw(), always);
  await draw();
}

const timings = new WeakMap<Encoder, Promise<string>>();

/** The time per picture, measured once per network; empty if that fails. */
function timePerPicture(app: AppState, encoder: Encoder): Promise<string> {
  const known = timings.get(encoder);
  if (known) return known;
  const measuring = measure(app, encoder).catch(() => "");
  timings.set(encoder, measuring);
  return measuring;
}

async function measure({ gallery }: AppState, encoder: Encoder): Promise<string> {
  const embed = async (count: number): Promise<number> => {
    const some = await Promise.all(gallery.slice(0, count).map(pixelsOf));
    const start = performance.now();
    await encoder.embed(some);
    return performance.now() - start;
  };
  const few = await embed(MEASURED.few);
  const each = few > ENOUGH_MS ? few / MEASURED.few : (await embed(MEASURED.most)) / MEASURED.most;
  return ` It takes ${each.toFixed(1)} ms per picture.`;
}

function sentence({ actual, adapter, reason, requested }: DeviceReport, active: boolean): string {
  const verb = active ? "Computing" : "Would compute";
  if (actual === "webgpu") {
    const { vendor = "", architecture = "", description = "" } = adapter ?? {};
    const name = description || [vendor, architecture].filter(Boolean).join(" ");
    return `${verb} on WebGPU, the graphics card${name && `: ${name}`}.`;
  }
  if (requested === "webgpu") return `Cannot compute on WebGPU: ${REASONS[reason!]}.`;
  return `${verb} on the CPU, because ${REASONS[reason!]}.`;
}

function showHelp(help: HTMLDetailsElement, { reason, detail }: DeviceReport): void {
  const said = reason && HELP[reason];
  help.hidden = !said;
  help.replaceChildren(
    el("summary", {}, "What helps"),
    el("p", {}, said ?? "", detail ? ` The browser says: ${detail}` : ""),
  );
}
