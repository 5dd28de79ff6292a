/** The backend: the objects of the WebAssembly by number, in a worker or, in Node, in place. */
import { CODED, KithError } from "./errors.js";
import { planesOf } from "./planes.js";
import {
  ENGINE,
  GENERATION,
  MODULE,
  type Pictures,
  type WasmEngine,
  type WasmModule,
} from "./wasm-module.js";

/** What an engine is for: training needs gradients as well. */
export type Use = "inference" | "training";

export type Kind = "cpu" | "webgpu";

/** How the WebAssembly comes in, and how results go out. */
export interface Loader {
  /** Imports the JavaScript beside a build. */
  script(kind: Kind): Promise<WasmModule>;
  compile(kind: Kind, url: string | undefined): Promise<WebAssembly.Module>;
  /** Hands buffers over instead of copying them. */
  transfer<T>(value: T, buffers: Transferable[]): T;
}

/** How much later than wrong numbers the device may report the error that explains them. */
const REPORT_MS = 200;

type Methods = Record<string, (...args: unknown[]) => unknown>;

export class Backend {
  readonly #loader: Loader;
  readonly #objects = new Map<number, object>();
  #next = 0;

  constructor(loader: Loader) {
    this.#loader = loader;
  }

  /**
   * Loads a build, or takes a module that was compiled before, and opens its device. `generation` goes
   * into the numbers of objects, so that none names an object of another backend.
   */
  async open(
    kind: Kind,
    from: { url?: string; module?: WebAssembly.Module; generation?: number },
  ): Promise<WebAssembly.Module> {
    this.#next = (from.generation ?? 0) * GENERATION + ENGINE + 1;
    const compiled = from.module ?? (await this.#loader.compile(kind, from.url));
    const module = await this.#loader.script(kind);
    const exports = (await module.default({ module_or_path: compiled })) as unknown as {
      __wasm_call_ctors(): void;
    };
    exports.__wasm_call_ctors();
    const engine = await coded(() => module.Engine.open());
    this.#objects.set(MODULE, module).set(ENGINE, engine);
    return compiled;
  }

  /** The largest relative deviation of a tiny pass for such use, and how long it took. */
  async selfTest(use: Use): Promise<{ deviation: number; passed: boolean; ms: number }> {
    const start = performance.now();
    const engine = this.#object(ENGINE) as WasmEngine;
    const deviation = await onDevice(engine, () =>
      use === "training" ? engine.testTraining() : engine.testInference(),
    );
    const passed = deviation <= (this.#object(MODULE) as WasmModule).tolerance();
    if (!passed) {
      await new Promise((resolve) => setTimeout(resolve, REPORT_MS));
      check(engine);
    }
    return { deviation, passed, ms: performance.now() - start };
  }

  /**
   * Calls a method of an object. Pictures among the arguments become pixels first. An object that
   * comes back stays here, and its number is the answer; free it when it is of no use any more.
   */
  async invoke(handle: number, method: string, args: readonly unknown[]): Promise<unknown> {
    const object = this.#object(handle) as Methods;
    const values: unknown[] = [];
    for (const arg of args) values.push(isPictures(arg) ? await this.#squares(arg) : arg);
    const work = () => object[method]!(...values);
    const device = this.#object(ENGINE) as WasmEngine;
    const result = await (handle === MODULE ? coded(work) : onDevice(device, work));
    return isWasmObject(result) ? this.#keep(result) : this.#transfer(result);
  }

  /** Pictures of any size as planar bytes, `[n, 3, side, side]`. */
  async squares(pictures: Pictures): Promise<Uint8Array> {
    return this.#transfer(await this.#squares(pictures));
  }

  /** Lets an object go; a number that names none is no error. */
  free(handle: number): void {
    const object = this.#objects.get(handle);
    if (isWasmObject(object)) object.free();
    this.#objects.delete(handle);
  }

  async #squares({ pictures, first, side, preprocessing }: Pictures): Promise<Uint8Array> {
    const module = this.#object(MODULE) as WasmModule;
    return coded(async () => {
      const squares = new module.Squares(pictures.length, { side, preprocessing });
      try {
        for (const [place, picture] of pictures.entries()) {
          const raw = "data" in picture ? picture : await planesOf(picture, first + place);
          // Clamped or not, they are bytes that WebAssembly copies.
          squares.add(raw.data as Uint8Array, raw.width, raw.height, raw.channels);
        }
      } catch (error) {
        // After a trap nothing is called any more.
        if (!(error instanceof WebAssembly.RuntimeError)) squares.free();
        throw error;
      }
      return squares.take();
    });
  }

  #keep(object: object): number {
    this.#objects.set(this.#next, object);
    return this.#next++;
  }

  #object(handle: number): object {
    const object = this.#objects.get(handle);
    if (object) return object;
    const what = handle > ENGINE ? "the object was freed before" : "the engine is not open";
    throw codedError("DISPOSED", what);
  }

  /** Arrays of numbers, alone or in an object, are handed over. */
  #transfer<T>(result: T): T {
    if (typeof result !== "object" || result === null) return result;
    const values = ArrayBuffer.isView(result) ? [result] : Object.values(result);
    const buffers = values.filter((value) => ArrayBuffer.isView(value)).map(({ buffer }) => buffer);
    return buffers.length > 0 ? this.#loader.transfer(result, buffers as ArrayBuffer[]) : result;
  }
}

function isPictures(arg: unknown): arg is Pictures {
  return typeof arg === "object" && arg !== null && "pictures" in arg && "first" in arg;
}

function isWasmObject(value: unknown): value is { free(): void } {
  return typeof (value as { free?: unknown } | null | undefined)?.free === "function";
}

/** Work on the device, which is then asked whether it was lost or refused something. */
async function onDevice<T>(engine: WasmEngine, work: () => T | Promise<T>): Promise<T> {
  const result = await coded(work, engine);
  check(engine);
  return result;
}

function check(engine: WasmEngine): void {
  const { lost } = engine;
  if (lost !== undefined) throw deviceLost(lost);
  const errors = engine.takeErrors();
  if (errors.length === 0) return;
  // Where the GPU's memory does not suffice, all that follows is refused, too.
  const full = errors.find((error) => /out of memory/i.test(error));
  throw full
    ? codedError("OUT_OF_MEMORY", `the GPU: ${full}`)
    : codedError("GPU_ERROR", errors.join("\n"));
}

async function coded<T>(work: () => T | Promise<T>, engine?: WasmEngine): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const code = (thrown as { code?: unknown } | null)?.code;
    const failed = engine && code === "DEVICE";
    const lost = engine && (await lostWithin(engine, failed ? LATE_MS : 0));
    if (lost) throw deviceLost(lost);
    if (failed) check(engine);
    // What the GPU refused for want of memory is no error of the next call.
    if (code === "OUT_OF_MEMORY") engine?.takeErrors();
    throw withCode(thrown);
  }
}

/** So much later than what it was doing has failed may a device say that it was lost. */
const LATE_MS = 3000;

async function lostWithin(engine: WasmEngine, ms: number): Promise<string | undefined> {
  const start = performance.now();
  for (;;) {
    const lost = lostOf(engine);
    if (lost !== undefined || performance.now() - start >= ms) return lost;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Why the device was lost; after a trap the object itself may be out of use. */
function lostOf(engine: WasmEngine): string | undefined {
  try {
    return engine.lost;
  } catch {
    return undefined;
  }
}

function deviceLost(why: string): Error {
  return codedError("DEVICE_LOST", `the GPU was lost: ${why}`);
}

/** An error whose code survives the way from a worker to the page. */
function codedError(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: CODED + code });
}

/** Whatever was thrown, with its code in its name. */
export function withCode(thrown: unknown): unknown {
  if (thrown instanceof KithError) return codedError(thrown.code, thrown.message);
  const code = (thrown as { code?: unknown } | null)?.code;
  if (thrown instanceof Error && typeof code === "string") return codedError(code, thrown.message);
  return thrown;
}
