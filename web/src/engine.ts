/** Engines: the computing sides that run, shared by all that use them, rebuilt when they fall. */
import * as Comlink from "comlink";

import { onCpu, probeDevice } from "./device.js";
import { KithError } from "./errors.js";
import { callable, engineOptions } from "./setting.js";
import { shown } from "./shown.js";
import type { Kind } from "./host.js";
import type { Answer, Arguments, Method, Port } from "./port.js";
import type { DeviceReport, EngineOptions, FallbackReason } from "./types.js";
import type { OnBytes } from "./wasm.js";

/** How a platform starts a computing side. */
export type Starter = (options: EngineOptions) => Port;

/** Set once by the entry point: a worker in browsers, in place in Node. */
let start: Starter;
export function setStarter(starter: Starter): void {
  start = starter;
}

/** A share in an engine. */
export class Lease {
  readonly #engine: Engine;
  #released = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.users += 1;
  }

  get report(): DeviceReport {
    return this.#engine.report;
  }

  /** Rises whenever the computing side was rebuilt: what it held before is gone. */
  get generation(): number {
    return this.#engine.generation;
  }

  /** Makes sure that the computing side runs: after a crash it is started again. */
  ready(): Promise<void> {
    return this.#engine.ready();
  }

  /** Calls the computing side; rejects with a `KithError` alone. `moved` are the first argument's. */
  async call<K extends Method>(
    method: K,
    args: Arguments<K>,
    moved?: Transferable[],
  ): Promise<Answer<K>> {
    if (this.#released) throw new KithError("DISPOSED", "it was disposed of");
    return this.#engine.call(method, args, moved);
  }

  /** A call that holds on to nothing: after the device was lost it is made again. */
  async steadily<K extends Method>(method: K, args: Arguments<K>): Promise<Answer<K>> {
    return unlessLost(() => this.call(method, args));
  }

  /** Another share in the same engine. */
  again(): Lease {
    return new Lease(this.#engine);
  }

  /** Told after the device was lost and computing goes on; gives what stops that. */
  onDeviceLost(listener: (report: DeviceReport) => void): () => void {
    callable("listener", listener);
    this.#engine.listeners.add(listener);
    return () => this.#engine.listeners.delete(listener);
  }

  /** Gives the share back; the last one ends the engine. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#engine.leave();
  }
}

/** Engines that others may share, by what they compute on. */
const shared = new Map<Kind, Promise<Engine>>();

/** A share in an engine as the options ask for it: a running one, or a new one. */
export async function lease(options: EngineOptions, onBytes: OnBytes = () => {}): Promise<Lease> {
  const wanted = await probeDevice(options);
  if (wanted.requested === "webgpu" && wanted.actual === "cpu") throw refused(wanted);
  try {
    return new Lease(await engineOf(wanted, options, onBytes));
  } catch (error) {
    const reason = wanted.requested === "auto" && wanted.actual === "webgpu" && fallback(error);
    if (!reason) throw error;
    const detail = (error as KithError).message;
    const { adapter, limits, features } = wanted;
    const more = { detail, ...(adapter && limits && features && { adapter, limits, features }) };
    return new Lease(await engineOf(onCpu("auto", reason, more), options, onBytes));
  }
}

/** A share in whatever runs already, preferring WebGPU; else in an engine on the CPU. */
export async function leaseRunning(options: EngineOptions): Promise<Lease> {
  engineOptions(options);
  const running = options.device ? undefined : (shared.get("webgpu") ?? shared.get("cpu"));
  return running
    ? new Lease(await running)
    : lease({ ...options, device: options.device ?? "cpu" });
}

async function engineOf(
  report: DeviceReport,
  options: EngineOptions,
  onBytes: OnBytes,
): Promise<Engine> {
  if (options.worker || options.workerUrl || options.wasmUrl) {
    return Engine.open(report, options, onBytes);
  }
  const running = shared.get(report.actual);
  if (running) return running;
  const opening = Engine.open(report, options, onBytes);
  shared.set(report.actual, opening);
  try {
    return await opening;
  } catch (error) {
    shared.delete(report.actual);
    throw error;
  }
}

function refused(report: DeviceReport): KithError {
  const why = report.detail ? `${report.reason}: ${report.detail}` : report.reason;
  return new KithError("NO_WEBGPU", `WebGPU cannot be used here (${why})`);
}

/** Why the CPU takes over, if the error is the GPU's. */
function fallback(error: unknown): FallbackReason | false {
  const code = error instanceof KithError ? error.code : undefined;
  if (code === "SELF_TEST_FAILED" || code === "GPU_ERROR") return "self-test-failed";
  if (code === "NO_WEBGPU") return "device-request-failed";
  return code === "DEVICE_LOST" ? "device-lost" : code === "WASM_PANIC" && "device-request-failed";
}

class Engine {
  users = 0;
  generation = 0;
  report: DeviceReport;
  readonly listeners = new Set<(report: DeviceReport) => void>();
  readonly #options: EngineOptions;
  #port: Port | undefined;
  #starting: Promise<void> | undefined;
  #module: WebAssembly.Module | undefined;
  #losses = 0;

  private constructor(report: DeviceReport, options: EngineOptions) {
    this.report = report;
    this.#options = options;
  }

  static async open(
    report: DeviceReport,
    options: EngineOptions,
    onBytes: OnBytes,
  ): Promise<Engine> {
    const engine = new Engine(report, options);
    await engine.#start(onBytes);
    return engine;
  }

  async call<K extends Method>(
    method: K,
    args: Arguments<K>,
    moved?: Transferable[],
  ): Promise<Answer<K>> {
    await this.ready();
    const port = this.#port!;
    try {
      return await port.call(method, args, moved);
    } catch (error) {
      await this.#mourn(port, error as KithError);
      throw error;
    }
  }

  async ready(): Promise<void> {
    if (this.#port && !this.#port.ended) return;
    this.#starting ??= this.#start(() => {}).finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  leave(): void {
    this.users -= 1;
    if (this.users > 0) return;
    for (const [kind, engine] of shared) void this.#forget(kind, engine);
    this.#port?.end(new KithError("DISPOSED", "it was disposed of"));
  }

  async #forget(kind: Kind, engine: Promise<Engine>): Promise<void> {
    if ((await engine.catch(() => undefined)) === this && this.users === 0) shared.delete(kind);
  }

  /** After a trap or a loss nothing on the other side can be trusted any more. */
  async #mourn(port: Port, error: KithError): Promise<void> {
    if (error.code === "WASM_PANIC" || error.code === "OUT_OF_MEMORY") port.end(error);
    if (error.code !== "DEVICE_LOST" || port.ended) return;
    port.end(error);
    this.#losses += 1;
    await this.#recover().catch(() => {});
  }

  /** Once on the GPU again, then on the CPU. */
  async #recover(): Promise<void> {
    if (this.#losses > 1) this.#fallBack();
    try {
      await this.ready();
    } catch {
      this.#fallBack();
      await this.ready();
    }
    for (const listener of this.listeners) {
      try {
        listener(this.report);
      } catch (error) {
        console.error(error); // The caller's; the others are told all the same.
      }
    }
  }

  #fallBack(): void {
    const { requested, adapter } = this.report;
    this.report = onCpu(requested, "device-lost", adapter ? { adapter } : {});
    this.#module = undefined;
  }

  async #start(onBytes: OnBytes): Promise<void> {
    const kind = this.report.actual;
    const port = start(this.#options);
    try {
      const url = wasmUrl(this.#options.wasmUrl, kind);
      const from = { ...(url && { url }), ...(this.#module && { module: this.#module }) };
      this.#module = await port.call("open", [kind, from, Comlink.proxy(onBytes)]);
      const { passed, deviation, ms } = await port.call("selfTest", []);
      this.report = { ...this.report, selfTest: { passed, deviation, ms } };
      if (!passed) throw selfTestFailed(deviation);
    } catch (error) {
      port.end(error as KithError);
      throw error;
    }
    this.#port = port;
    this.generation += 1;
  }
}

function selfTestFailed(deviation: number): KithError {
  const message = `the device computes wrong numbers: a known result is off by ${deviation}`;
  return new KithError("SELF_TEST_FAILED", message);
}

function wasmUrl(from: EngineOptions["wasmUrl"], kind: Kind): string | undefined {
  if (from === undefined) return undefined;
  if (typeof from !== "string" && !(from instanceof URL)) {
    const own = from[kind];
    return own === undefined ? undefined : absolute(own);
  }
  const folder = absolute(from);
  return folder.endsWith(".wasm") ? folder : `${folder.replace(/\/$/, "")}/kith_${kind}_bg.wasm`;
}

function absolute(url: string | URL): string {
  try {
    return new URL(url, globalThis.location?.href).href;
  } catch (cause) {
    const message = `wasmUrl = ${shown(url)} is no address: ${shown(cause)}`;
    throw new KithError("WASM_FETCH", message, { cause });
  }
}

/** Something that lives on the computing side and is made anew after it was rebuilt. */
export class Handle {
  readonly lease: Lease;
  readonly #make: () => Promise<number>;
  #handle: Promise<number> | undefined;
  #generation = -1;

  constructor(lease: Lease, make: () => Promise<number>) {
    this.lease = lease;
    this.#make = make;
  }

  /** Does work with it; goes on by itself after the device was lost. */
  async use<T>(work: (handle: number) => Promise<T>): Promise<T> {
    return unlessLost(async () => work(await this.#current()));
  }

  async #current(): Promise<number> {
    await this.lease.ready();
    if (!this.#handle || this.#generation !== this.lease.generation) {
      this.#generation = this.lease.generation;
      this.#handle = this.#make();
      this.#handle.catch(() => (this.#handle = undefined));
    }
    return this.#handle;
  }

  /** Lets it go, and the share in the engine with it. */
  async dispose(): Promise<void> {
    const handle = this.#generation === this.lease.generation ? this.#handle : undefined;
    try {
      if (handle) await this.lease.call("free", [await handle]);
    } catch {
      // It is gone already.
    }
    this.lease.release();
  }
}

/** Losses that one piece of work survives: one on the GPU, one more on the way to the CPU. */
const LOSSES = 2;

async function unlessLost<T>(work: () => Promise<T>): Promise<T> {
  for (let left = LOSSES; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      const lost = error instanceof KithError && error.code === "DEVICE_LOST";
      if (!lost || left === 0) throw error;
    }
  }
}
