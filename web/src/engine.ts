/** Engines: backends that run, shared by all that use them, restarted when they fail. */
import type { Kind, Use } from "./backend.js";
import { onCpu, probeDevice } from "./device.js";
import { EngineRef } from "./engine-ref.js";
import { KithError } from "./errors.js";
import { startBackend } from "./platform.js";
import { unlessLost } from "./remote-object.js";
import type { Answer, Arguments, Method, Port } from "./port.js";
import { engineOptions } from "./checks.js";
import type { DeviceReport, EngineOptions, FallbackReason } from "./types.js";
import type { OnBytes } from "./wasm.js";
import { ENGINE, GENERATION } from "./wasm-module.js";
import { wasmUrl } from "./wasm-url.js";

/** Engines that others may share, by what they compute on. */
const shared = new Map<Kind, Promise<Engine>>();

/** What a new engine is for, and who hears how much of its WebAssembly has come. */
interface Opening {
  readonly use: Use;
  readonly onBytes: OnBytes;
}

/** An engine as the options ask for it, tested for such use: a running one, or a new one. */
export async function openEngine(
  options: EngineOptions,
  use: Use,
  onBytes: OnBytes = () => {},
): Promise<EngineRef> {
  const wanted = await probeDevice(options);
  if (wanted.requested === "webgpu" && wanted.actual === "cpu") throw refused(wanted);
  const opening = { use, onBytes };
  try {
    return await engineOf(wanted, options, opening);
  } catch (error) {
    const reason = wanted.requested === "auto" && wanted.actual === "webgpu" && fallback(error);
    if (!reason) throw error;
    const detail = (error as KithError).message;
    const { adapter, limits, features } = wanted;
    const more = { detail, ...(adapter && limits && features && { adapter, limits, features }) };
    return engineOf(onCpu("auto", reason, more), options, opening);
  }
}

/** Whatever runs already and is right for such use, preferring WebGPU; else an engine on the CPU. */
export async function runningEngine(options: EngineOptions, use: Use): Promise<EngineRef> {
  engineOptions(options);
  const running = options.device ? undefined : (shared.get("webgpu") ?? shared.get("cpu"));
  if (running) {
    try {
      return await tested(await running, use);
    } catch (error) {
      if (!fallback(error)) throw error;
    }
  }
  return openEngine({ ...options, device: options.device ?? "cpu" }, use);
}

/** Does something on whatever runs, or else on the CPU. */
export async function withEngine<T>(
  options: EngineOptions,
  work: (engine: EngineRef) => Promise<T>,
): Promise<T> {
  const engine = await runningEngine(options, "inference");
  try {
    return await work(engine);
  } finally {
    engine.release();
  }
}

async function engineOf(
  report: DeviceReport,
  options: EngineOptions,
  opening: Opening,
): Promise<EngineRef> {
  if (hasOwn(options)) return new EngineRef(await Engine.open(report, options, opening));
  const running = shared.get(report.actual);
  if (running) return tested(await running, opening.use);
  const started = Engine.open(report, options, opening);
  shared.set(report.actual, started);
  try {
    return new EngineRef(await started);
  } catch (error) {
    shared.delete(report.actual);
    throw error;
  }
}

/** A reference to an engine that runs, once it has been tested for such use. */
async function tested(engine: Engine, use: Use): Promise<EngineRef> {
  const reference = new EngineRef(engine);
  try {
    await unlessLost(() => engine.testFor(use));
    return reference;
  } catch (error) {
    reference.release();
    throw error;
  }
}

/** Whether the caller brings the worker or the WebAssembly: such an engine is not shared. */
const hasOwn = ({ worker, workerUrl, wasmUrl }: EngineOptions): boolean =>
  Boolean(worker ?? workerUrl ?? wasmUrl);

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

/** A backend with what it computes on. */
export class Engine {
  users = 0;
  generation = 0;
  report: DeviceReport;
  readonly listeners = new Set<(report: DeviceReport) => void>();
  readonly #options: EngineOptions;
  #port: Port | undefined;
  #starting: Promise<void> | undefined;
  #module: WebAssembly.Module | undefined;
  #losses = 0;
  /** What its backends are tested for. */
  #use: Use;
  #testing: Promise<void> | undefined;

  private constructor(report: DeviceReport, options: EngineOptions, use: Use) {
    this.report = report;
    this.#options = options;
    this.#use = use;
  }

  static async open(
    report: DeviceReport,
    options: EngineOptions,
    { use, onBytes }: Opening,
  ): Promise<Engine> {
    const engine = new Engine(report, options, use);
    await engine.#start(onBytes).catch((error: KithError) => {
      if (error.code !== "DEVICE_LOST") throw error;
      engine.#losses = 1;
      return engine.#start(onBytes);
    });
    return engine;
  }

  /** An engine like this one, in a worker of its own. */
  async another(): Promise<Engine> {
    const engine = new Engine(this.report, this.#options, "inference");
    engine.#module = this.#module;
    await engine.#start(() => {});
    return engine;
  }

  async call<K extends Method>(
    method: K,
    args: Arguments<K>,
    moved?: Transferable[],
  ): Promise<Answer<K>> {
    await this.ready();
    if (method === "invoke") this.#stillThere(args[0] as number);
    const port = this.#port!;
    try {
      return await port.call(method, args, moved);
    } catch (error) {
      await this.#afterFailure(port, error as KithError);
      throw error;
    }
  }

  /** Tests a backend that was only tested for inference, once. Errors: `SELF_TEST_FAILED`. */
  async testFor(use: Use): Promise<void> {
    if (use === "inference" || this.#use === "training") return;
    this.#testing ??= this.#testTraining().finally(() => (this.#testing = undefined));
    await this.#testing;
  }

  async #testTraining(): Promise<void> {
    this.#judge(await this.call("selfTest", ["training"]));
    this.#use = "training";
  }

  /** Takes what came of a test into the report. Errors: `SELF_TEST_FAILED`. */
  #judge(selfTest: Answer<"selfTest">): void {
    if (!selfTest.passed) throw selfTestFailed(selfTest.deviation);
    this.report = { ...this.report, selfTest };
  }

  async ready(): Promise<void> {
    if (this.#port && !this.#port.ended) return;
    this.#starting ??= this.#restart().finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  /** Refuses the number of an object that ended with a backend before; who made it makes it again. */
  #stillThere(handle: number): void {
    if (handle <= ENGINE || Math.floor(handle / GENERATION) === this.generation) return;
    throw new KithError("DEVICE_LOST", "the object ended with what it was computed on");
  }

  /** The compiled WebAssembly, if it is the package's own for the CPU: the page may use it as well. */
  get moduleForPage(): WebAssembly.Module | undefined {
    return this.report.actual === "cpu" && !hasOwn(this.#options) ? this.#module : undefined;
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

  /** After a trap or a loss nothing in the backend can be trusted any more. */
  async #afterFailure(port: Port, error: KithError): Promise<void> {
    if (error.code === "WASM_PANIC" || error.code === "OUT_OF_MEMORY") port.end(error);
    if (error.code !== "DEVICE_LOST" || port.ended) return;
    port.end(error);
    this.#losses += 1;
    await this.#recover().catch(() => {});
  }

  async #recover(): Promise<void> {
    await this.ready();
    for (const listener of this.listeners) {
      try {
        listener(this.report);
      } catch (error) {
        console.error(error); // An error of the caller must not keep the others from being called.
      }
    }
  }

  /** After a loss, once on the GPU again, then on the CPU. All that wait for it wait for the same. */
  async #restart(): Promise<void> {
    if (this.#losses > 1 && this.report.actual === "webgpu") this.#fallBack();
    try {
      await this.#start(() => {});
    } catch (error) {
      if (this.#losses === 0 || this.report.actual === "cpu") throw error;
      this.#fallBack();
      await this.#start(() => {});
    }
  }

  #fallBack(): void {
    const { requested, adapter } = this.report;
    this.report = onCpu(requested, "device-lost", adapter ? { adapter } : {});
    this.#module = undefined;
  }

  async #start(onBytes: OnBytes): Promise<void> {
    const kind = this.report.actual;
    const port = startBackend(this.#options, onBytes);
    const generation = this.generation + 1;
    try {
      const url = wasmUrl(this.#options.wasmUrl, kind);
      const from = {
        generation,
        ...(url && { url }),
        ...(this.#module && { module: this.#module }),
      };
      this.#module = await port.call("open", [kind, from]);
      this.#judge(await port.call("selfTest", [this.#use]));
    } catch (error) {
      port.end(error as KithError);
      throw error;
    }
    this.#port = port;
    this.generation = generation;
  }
}

function selfTestFailed(deviation: number): KithError {
  const message = `the device computes wrong numbers: a known result is off by ${deviation}`;
  return new KithError("SELF_TEST_FAILED", message);
}
