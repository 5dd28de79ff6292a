/** Which device can compute, found out without downloading anything. */
import { throwIfAborted, unlessAborted } from "./errors.js";
import { engineOptions } from "./setting.js";
import type { Device, DeviceReport, FallbackReason } from "./types.js";

/** The least that a storage buffer must hold: the activations of a small batch, in bytes. */
const LEAST_BUFFER = 64 << 20;

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software/i;

export interface DeviceWish {
  readonly device?: Device;
  /** A software adapter counts as WebGPU for `auto`. Default false. */
  readonly allowSoftware?: boolean;
}

/** What an engine would compute on, and why. Downloads nothing. Errors: `SETTING`, `ABORTED`. */
export async function probeDevice(
  wish: DeviceWish & { readonly signal?: AbortSignal } = {},
): Promise<DeviceReport> {
  engineOptions(wish);
  const requested = wish.device ?? "auto";
  throwIfAborted(wish.signal);
  if (requested === "cpu") return onCpu(requested, "forced-cpu");
  const software = wish.allowSoftware ?? requested === "webgpu";
  return unlessAborted(webgpu(requested, software), wish.signal);
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
  if (!adapter.features.has("timestamp-query")) {
    return onCpu(requested, "no-timestamp-query", found);
  }
  if (found.limits.maxStorageBufferBindingSize < LEAST_BUFFER) {
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
  const isFallback =
    (said.isFallbackAdapter ?? false) || SOFTWARE.test(`${vendor} ${architecture} ${description}`);
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  return {
    adapter: { vendor, architecture, description, isFallback },
    limits: { maxBufferSize, maxStorageBufferBindingSize },
    features: [...adapter.features].sort(),
  };
}
