/** Objects in the backend, which are made again after the backend was restarted. */
import type { EngineRef } from "./engine-ref.js";
import { KithError } from "./errors.js";
import type { AnswerOf, ArgumentsOf, Handle, MethodOf } from "./wasm-module.js";

/** An object of class `T` in the backend. */
export class RemoteObject<T> {
  readonly engine: EngineRef;
  readonly #make: () => Promise<Handle<T>>;
  #handle: Promise<Handle<T>> | undefined;
  #generation = -1;

  constructor(engine: EngineRef, make: () => Promise<Handle<T>>) {
    this.engine = engine;
    this.#make = make;
  }

  /** Makes the object if it is not there. */
  async ready(): Promise<void> {
    await this.use(async () => {});
  }

  /** Calls a method; calls it again after the device was lost. */
  async invoke<K extends MethodOf<T>>(method: K, args: ArgumentsOf<T, K>): Promise<AnswerOf<T, K>> {
    return this.use((handle) => this.engine.invoke(handle, method, args));
  }

  /** Work with the object; it is done again after the device was lost. */
  async use<R>(work: (handle: Handle<T>) => Promise<R>): Promise<R> {
    return unlessLost(async () => work(await this.#current()));
  }

  async #current(): Promise<Handle<T>> {
    await this.engine.ready();
    if (!this.#handle || this.#generation !== this.engine.generation) {
      this.#generation = this.engine.generation;
      this.#handle = this.#make();
      this.#handle.catch(() => (this.#handle = undefined));
    }
    return this.#handle;
  }

  /** Frees the object and releases the engine. */
  async dispose(): Promise<void> {
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
