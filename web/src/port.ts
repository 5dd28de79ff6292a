/** A connection to one backend, from its start to its end: in a worker, or in place. */
import * as Comlink from "comlink";

import { KithError, fromBackend } from "./errors.js";
import type { Backend } from "./backend.js";
import { describe } from "./describe.js";

export type Method = {
  [K in keyof Backend]: Backend[K] extends (...args: never[]) => unknown ? K : never;
}[keyof Backend];
export type Arguments<K extends Method> = Parameters<Backend[K]>;
export type Answer<K extends Method> = Awaited<ReturnType<Backend[K]>>;

export interface Port {
  /**
   * Rejects with a `KithError`, also when the backend dies meanwhile. `moved` are buffers in the last
   * argument, which are handed over.
   */
  call<K extends Method>(method: K, args: Arguments<K>, moved?: Transferable[]): Promise<Answer<K>>;
  /** Ends the connection: calls that are pending are rejected with `error`. */
  end(error: KithError): void;
  readonly ended: boolean;
}

/** The first message of a worker: from here on it listens. */
export const READY = "kith: ready";

type Calls = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** A port to a worker. */
export function workerPort(make: () => Worker): Port {
  const worker = started(make);
  const remote = Comlink.wrap<Calls>(worker);
  const ready = new Promise<void>((resolve) => {
    worker.addEventListener("message", ({ data }) => data === READY && resolve());
  });
  const port = new OpenPort(remote as unknown as Calls, ready, () => {
    // Comlink's list of workers would keep this one, and it what waits for its messages.
    remote[Comlink.releaseProxy]();
    worker.terminate();
  });
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

/** A port to a backend in place, which lets other work run (`pause`) after every call. */
export function inlinePort(backend: Backend, pause: () => Promise<unknown>): Port {
  const calls = new Proxy(backend as unknown as Calls, {
    get:
      (target, name: string) =>
      async (...args: unknown[]) => {
        const answer = await target[name]!.apply(target, args);
        await pause();
        return answer;
      },
  });
  return new OpenPort(calls, Promise.resolve(), () => {});
}

class OpenPort implements Port {
  /** Whether the backend ever answered. Before, an error means that it did not start. */
  answered = false;
  readonly #calls: Calls;
  readonly #ready: Promise<void>;
  readonly #close: () => void;
  /** Rejects the calls that wait. A promise that all of them race against would keep every answer. */
  readonly #waiting = new Set<(error: unknown) => void>();
  #error: KithError | undefined;

  constructor(calls: Calls, ready: Promise<void>, close: () => void) {
    this.#calls = calls;
    this.#ready = ready;
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
    const sent: unknown[] = [...args];
    const last = sent.at(-1);
    if (moved.length > 0) sent.splice(-1, 1, Comlink.transfer(last as object, moved));
    try {
      const answer = await this.#unlessEnded(async () => {
        await this.#ready;
        return this.#calls[method]!(...sent);
      });
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
    ? new KithError("WASM_PANIC", `the worker failed: ${said}`)
    : new KithError("WORKER_START", `the worker cannot start: ${said}`);
}
