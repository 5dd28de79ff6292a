/** Which device can compute, found out without downloading anything. */
import { throwIfAborted, unlessAborted } from "./errors.js";
import type { Requirements } from "./generated.js";
import { engineOptions } from "./checks.js";
import type { Device, DeviceReport, FallbackReason } from "./types.js";

/** Rust's `Requirements`, which the build puts here: nothing is downloaded to know them. */
declare const REQUIREMENTS: Requirements;

/** What `probeDevice` is asked for. */
export interface DeviceOptions {
  /** Default `auto`. */
  readonly device?: Device;
  /** A software adapter counts as WebGPU for `auto`. Default false. */
  readonly allowSoftware?: boolean;
  /** Ends the call with `ABORTED`. */
  readonly signal?: AbortSignal;
}

/** What an engine would compute on, and why. Downloads nothing. Errors: `SETTING`, `ABORTED`. */
export async function probeDevice(options: DeviceOptions = {}): Promise<DeviceReport> {
  engineOptions(options);
  const requested = options.device ?? "auto";
  throwIfAborted(options.signal);
  if (requested === "cpu") return onCpu(requested, "forced-cpu");
  const software = options.allowSoftware ?? requested === "webgpu";
  return unlessAborted(webgpu(requested, software), options.signal);
}

/** A report of the CPU. */
export function onCpu(
  requested: Device,
  reason: FallbackReason,
  more: Partial<DeviceReport> = {},
): DeviceReport {
  return { ...more, requested, actual: "cpu", reason };
}

async function webgpu(requested: Device, software: boolean): Promise<DeviceReport> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu) {
    return onCpu(requested, withoutGpu());
  }
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  } catch (error) {
    return onCpu(requested, "adapter-null", { detail: String(error) });
  }
  if (!adapter) return onCpu(requested, "adapter-null");
  const found = described(adapter);
  if (!REQUIREMENTS.browserFeatures.every((feature) => adapter.features.has(feature))) {
    return onCpu(requested, "no-timestamp-query", found);
  }
  if (found.limits.maxStorageBufferBindingSize < REQUIREMENTS.leastStorageBuffer) {
    return onCpu(requested, "limits-too-low", found);
  }
  if (found.adapter.isFallback && !software) return onCpu(requested, "software-adapter", found);
  return { ...found, requested, actual: "webgpu" };
}

function withoutGpu(): FallbackReason {
  if ("process" in globalThis && !("document" in globalThis)) return "node";
  return (globalThis.isSecureContext ?? true) ? "no-navigator-gpu" : "insecure-context";
}

function described(adapter: GPUAdapter) {
  const { vendor, architecture, description } = adapter.info;
  const said = adapter.info as GPUAdapterInfo & { isFallbackAdapter?: boolean };
  const words = `${vendor} ${architecture} ${description}`.toLowerCase();
  const isFallback =
    (said.isFallbackAdapter ?? false) || REQUIREMENTS.software.some((word) => words.includes(word));
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return {
    adapter: { vendor, architecture, description, isFallback },
    limits: { maxBufferSize, maxStorageBufferBindingSize },
    features: [...adapter.features].sort(),
  };
}
