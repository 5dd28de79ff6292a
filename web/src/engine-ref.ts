/** References to engines, through which everything calls the backend. */
import type { Engine } from "./engine.js";
import { KithError } from "./errors.js";
import type { Answer, Arguments, Method } from "./port.js";
import { unlessLost } from "./remote-object.js";
import { callable } from "./checks.js";
import type { DeviceReport } from "./types.js";
import type { AnswerOf, ArgumentsOf, Handle, MethodOf, Pictures } from "./wasm-module.js";

/** A counted reference to an engine. The engine ends with its last reference. */
export class EngineRef {
  readonly #engine: Engine;
  #released = false;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.users += 1;
  }

  get report(): DeviceReport {
    return this.#engine.report;
  }

  /** Rises whenever the backend was restarted: its objects are gone then. */
  get generation(): number {
    return this.#engine.generation;
  }

  /** The compiled WebAssembly, where short work may be done in the page. */
  get moduleForPage(): WebAssembly.Module | undefined {
    return this.#engine.moduleForPage;
  }

  /** Makes sure that the backend runs: after a crash it is started again. */
  ready(): Promise<void> {
    return this.#engine.ready();
  }

  /**
   * Calls a method of an object in the backend. `moved` are buffers in the arguments that are handed
   * over. Rejects with a `KithError` only.
   */
  async invoke<T, K extends MethodOf<T>>(
    handle: Handle<T>,
    method: K,
    args: ArgumentsOf<T, K>,
    moved?: Transferable[],
  ): Promise<AnswerOf<T, K>> {
    const sent = args as readonly unknown[];
    const answer = await this.#call("invoke", [handle, method as string, sent], moved);
    return answer as AnswerOf<T, K>;
  }

  /** The same for a call that needs no object: after the device was lost it is made again. */
  async invokeAgain<T, K extends MethodOf<T>>(
    handle: Handle<T>,
    method: K,
    args: ArgumentsOf<T, K>,
  ): Promise<AnswerOf<T, K>> {
    return unlessLost(() => this.invoke(handle, method, args));
  }

  /** Pictures of any size as planar bytes, `[n, 3, side, side]`. */
  async squares(pictures: Pictures, moved: Transferable[]): Promise<Uint8Array> {
    return this.#call("squares", [pictures], moved);
  }

  /** Lets an object in the backend go. */
  async free(handle: Handle<unknown>): Promise<void> {
    await this.#call("free", [handle]);
  }

  async #call<K extends Method>(
    method: K,
    args: Arguments<K>,
    moved?: Transferable[],
  ): Promise<Answer<K>> {
    if (this.#released) throw new KithError("DISPOSED", "it was disposed of");
    return this.#engine.call(method, args, moved);
  }

  /** A reference to an engine like this one in a worker of its own, of which nobody else knows. */
  async another(): Promise<EngineRef> {
    return new EngineRef(await this.#engine.another());
  }

  /** Another reference to the same engine. */
  clone(): EngineRef {
    return new EngineRef(this.#engine);
  }

  /** Called after the device was lost and computing goes on. Returns a function that unsubscribes. */
  onDeviceLost(listener: (report: DeviceReport) => void): () => void {
    callable("listener", listener);
    this.#engine.listeners.add(listener);
    return () => this.#engine.listeners.delete(listener);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#engine.leave();
  }
}
