/**
 * Work in the page. A message to the worker and one back take longer than the smallest networks do; what
 * is known to be short is therefore computed by an object of the same kind in the page, to the same bits.
 * Whatever fails there is done by the worker, whose result or error counts.
 */
import type { Backend } from "./backend.js";
import { inPage } from "./platform.js";
import { count, fits } from "./turns.js";
import type { AnswerOf, ArgumentsOf, Handle, MethodOf } from "./wasm-module.js";

/** What methods of the backend's objects are called by. */
export interface Invoker {
  invoke<T, K extends MethodOf<T>>(
    handle: Handle<T>,
    method: K,
    args: ArgumentsOf<T, K>,
    moved?: Transferable[],
  ): Promise<AnswerOf<T, K>>;
  /** Computes in the page, so that nothing is handed over. */
  readonly isInPage?: true;
}

/** Makes an object in a backend. */
export type Make<T> = (invoker: Invoker) => Promise<Handle<T>>;

/** Work with an object of a backend. */
export type Work<T, R> = (handle: Handle<T>, invoker: Invoker) => Promise<R>;

/** The longest work that is done in the page, in ms: far below what anybody notices. */
const SHORT_MS = 8;

/** How coarse a browser's clock may be, in ms: what was measured may have taken so much longer. */
const COARSE_MS = 1;

/** So many calls tell how long the next one takes. */
const LATE = 4;

/** A trap leaves the page's backend in no state to go on with: from then on there is none. */
let trapped = false;

/** Calls that are computed in the page, one behind the other. */
let last: Promise<unknown> | undefined;

async function after<R>(before: Promise<unknown> | undefined, work: () => Promise<R>): Promise<R> {
  await before;
  return work();
}

/** An object in the page beside the one in the worker. */
export class Near<T> {
  readonly #module: () => WebAssembly.Module | undefined;
  readonly #make: Make<T>;
  /** Milliseconds that work of size one took of late. */
  #costs: readonly number[] = [];
  #object: { invoker: Invoker; backend: Backend; handle: Handle<T> } | undefined;
  #opening = false;
  #disposed = false;

  /** `module` gives the compiled WebAssembly, where work may be done in the page. */
  constructor(module: () => WebAssembly.Module | undefined, make: Make<T>) {
    this.#module = module;
    this.#make = make;
  }

  /** Does work of a size in the page, if it is short; else, or if it fails, `afar` does it. */
  async run<R>(size: number, work: Work<T, R>, afar: () => Promise<R>): Promise<R> {
    // What a GPU takes says nothing of the page.
    if (!this.#module()) return afar();
    // The least: other programs make a call take longer, nothing makes it take less.
    const expected = Math.min(...this.#costs) * size;
    if (expected <= SHORT_MS && !trapped) {
      if (this.#object) {
        const turn = after(last, () => this.#inPage(size, expected, work));
        last = turn.catch(() => {});
        const done = await turn;
        if (done) return done.result;
      } else if (!this.#opening) {
        void this.#open();
      }
    }
    return this.#timed(size, afar);
  }

  dispose(): void {
    this.#disposed = true;
    const object = this.#object;
    this.#object = undefined;
    // After the calls that use it.
    const free = () => object && !trapped && object.backend.free(object.handle);
    last = after(last, async () => free()).catch(() => {});
  }

  async #timed<R>(size: number, work: () => Promise<R>): Promise<R> {
    const start = performance.now();
    const result = await work();
    this.#costs = [(performance.now() - start + COARSE_MS) / size, ...this.#costs].slice(0, LATE);
    return result;
  }

  async #inPage<R>(
    size: number,
    expected: number,
    work: Work<T, R>,
  ): Promise<{ result: R } | undefined> {
    await fits(expected);
    if (!this.#object) return undefined;
    const { handle, invoker } = this.#object;
    const start = performance.now();
    try {
      return { result: await this.#timed(size, () => work(handle, invoker)) };
    } catch (error) {
      trapped ||= error instanceof WebAssembly.RuntimeError;
      return undefined;
    } finally {
      count(performance.now() - start);
    }
  }

  /** Makes the object while the worker goes on. Where that fails, the worker does everything. */
  async #open(): Promise<void> {
    const module = this.#module();
    if (!module || !inPage) return;
    this.#opening = true;
    try {
      const { open, untilTrap } = await inPage();
      const backend = await open(module);
      const invoke = (...call: Parameters<Backend["invoke"]>) =>
        untilTrap(() => backend.invoke(...call));
      const invoker = { invoke, isInPage: true } as unknown as Invoker;
      const handle = await this.#make(invoker);
      if (this.#disposed) backend.free(handle);
      else this.#object = { invoker, backend, handle };
    } catch (error) {
      trapped ||= error instanceof WebAssembly.RuntimeError;
    }
  }
}
