/** A connection to one backend, from its start to its end: in a worker, or in place. */
import { KithError, fromBackend } from "./errors.js";
import type { Backend } from "./backend.js";
import { describe } from "./describe.js";
import { caller, type Calls } from "./messages.js";
import type { OnBytes } from "./wasm.js";

export type Method = {
  [K in keyof Backend]: Backend[K] extends (...args: never[]) => unknown ? K : never;
}[keyof Backend];
export type Arguments<K extends Method> = Parameters<Backend[K]>;
export type Answer<K extends Method> = Awaited<ReturnType<Backend[K]>>;

export interface Port {
  /**
   * Rejects with a `KithError`, also when the backend dies meanwhile. `moved` are buffers in the
   * arguments, which are handed over.
   */
  call<K extends Method>(method: K, args: Arguments<K>, moved?: Transferable[]): Promise<Answer<K>>;
  /** Ends the connection: calls that are pending are rejected with `error`. */
  end(error: KithError): void;
  readonly ended: boolean;
}

/** Calls a method of a backend, wherever it is. */
type Send = (method: string, args: readonly unknown[], moved: Transferable[]) => Promise<unknown>;

/** A port to a worker. `onBytes` is told how much of the WebAssembly has come. */
export function workerPort(make: () => Worker, onBytes: OnBytes): Port {
  const worker = started(make);
  const port = new OpenPort(caller(worker, onBytes), () => worker.terminate());
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    port.end(died(event, port.answered));
  });
  worker.addEventListener("messageerror", () => {
    port.end(new KithError("WASM_PANIC", "the worker sent what cannot be read"));
  });
  return port;
}

/** The worker that a function makes. Errors: `WORKER_START`. */
export function started(make: () => Worker): Worker {
  let worker: Worker;
  try {
    worker = make();
  } catch (cause) {
    throw new KithError("WORKER_START", `the worker cannot start: ${describe(cause)}`, { cause });
  }
  if (typeof worker?.postMessage === "function") return worker;
  throw new KithError("WORKER_START", `expected a Worker, got ${describe(worker)}`);
}

/** A port to a backend in place, each of whose calls is made `within` something. */
export function inlinePort(
  backend: Backend,
  within: (call: () => Promise<unknown>) => Promise<unknown>,
): Port {
  const send: Send = (method, args) =>
    within(async () => (backend as unknown as Calls)[method]!(...args));
  return new OpenPort(send, () => {});
}

class OpenPort implements Port {
  /** Whether the backend ever answered. Before, an error means that it did not start. */
  answered = false;
  readonly #send: Send;
  readonly #close: () => void;
  /** Rejects the calls that wait. A promise that all of them race against would keep every answer. */
  readonly #waiting = new Set<(error: unknown) => void>();
  #error: KithError | undefined;

  constructor(send: Send, close: () => void) {
    this.#send = send;
    this.#close = close;
  }

  get ended(): boolean {
    return this.#error !== undefined;
  }

  async call<K extends Method>(
    method: K,
    args: Arguments<K>,
    moved: Transferable[] = [],
  ): Promise<Answer<K>> {
    try {
      const answer = await this.#unlessEnded(() => this.#send(method, args, moved));
      this.answered = true;
      return answer as Answer<K>;
    } catch (thrown) {
      throw fromBackend(thrown);
    }
  }

  end(error: KithError): void {
    if (this.ended) return;
    this.#error = error;
    this.#close();
    for (const reject of this.#waiting) reject(error);
  }

  async #unlessEnded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#error) throw this.#error;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      const done = work().finally(() => this.#waiting.delete(reject));
      done.then(resolve, reject);
    });
  }
}

function died(event: ErrorEvent, answered: boolean): KithError {
  const said = event.message || "no reason was given";
  return answered
    ? fromBackend(new Error(`the worker failed: ${said}`))
    : new KithError("WORKER_START", `the worker cannot start: ${said}`);
}
