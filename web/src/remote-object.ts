/** Objects in the backend, which are made again after the backend was restarted. */
import type { EngineRef } from "./engine-ref.js";
import { KithError } from "./errors.js";
import { Near, type Make, type Work } from "./near.js";
import type { AnswerOf, ArgumentsOf, Handle, MethodOf } from "./wasm-module.js";

/** The most bytes that an object may be made of to be made in the page as well. */
const MOST_NEAR = 2 ** 22;

/** An object of class `T` in the backend. */
export class RemoteObject<T> {
  readonly engine: EngineRef;
  readonly #make: Make<T>;
  readonly #near: Near<T> | undefined;
  #handle: Promise<Handle<T>> | undefined;
  #generation = -1;

  /** `bytes` says what it is made of, where it may be made in the page as well. */
  constructor(engine: EngineRef, make: Make<T>, bytes = Infinity) {
    this.engine = engine;
    this.#make = make;
    if (bytes <= MOST_NEAR) this.#near = new Near(() => engine.moduleForPage, make);
  }

  /** Makes the object if it is not there. */
  async ready(): Promise<void> {
    await this.use(async () => {});
  }

  /** Calls a method; calls it again after the device was lost. `size` as in `use`. */
  async invoke<K extends MethodOf<T>>(
    method: K,
    args: ArgumentsOf<T, K>,
    size?: number,
  ): Promise<AnswerOf<T, K>> {
    return this.use((handle, invoker) => invoker.invoke(handle, method, args), size);
  }

  /**
   * Work with the object; it is done again after the device was lost. Its time is in proportion to
   * `size`: with one, short work may be done in the page.
   */
  async use<R>(work: Work<T, R>, size?: number): Promise<R> {
    const afar = () => unlessLost(async () => work(await this.#current(), this.engine));
    return this.#near && size !== undefined ? this.#near.run(size, work, afar) : afar();
  }

  async #current(): Promise<Handle<T>> {
    await this.engine.ready();
    if (!this.#handle || this.#generation !== this.engine.generation) {
      this.#generation = this.engine.generation;
      const made = (this.#handle = this.#make(this.engine));
      made.catch(() => {
        if (this.#handle === made) this.#handle = undefined;
      });
    }
    return this.#handle;
  }

  /** Frees the object and releases the engine. */
  async dispose(): Promise<void> {
    this.#near?.dispose();
    const handle = this.#generation === this.engine.generation ? this.#handle : undefined;
    try {
      if (handle) await this.engine.free(await handle);
    } catch {
      // It is gone already.
    }
    this.engine.release();
  }
}

/** How many losses one piece of work survives: one on the GPU, one more on the way to the CPU. */
const LOSSES = 2;

/** Does work again after the device was lost. */
export async function unlessLost<R>(work: () => Promise<R>): Promise<R> {
  for (let left = LOSSES; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      const lost = error instanceof KithError && error.code === "DEVICE_LOST";
      if (!lost || left === 0) throw error;
    }
  }
}
