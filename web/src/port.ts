/** A connection to one backend, from its start to its end: in a worker, or in place. */
import * as Comlink from "comlink";

import { KithError, fromBackend, withReject } from "./errors.js";
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
  const { promise: ended, reject } = withReject();
  const worker = started(make);
  const remote = Comlink.wrap<Backend>(worker) as unknown as Calls;
  const ready = new Promise<void>((resolve) => {
    worker.addEventListener("message", ({ data }) => data === READY && resolve());
  });
  const port = new OpenPort(remote, [ready, ended], (error) => {
    worker.terminate();
    reject(error);
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
  const { promise: ended, reject } = withReject();
  const calls = new Proxy(backend as unknown as Calls, {
    get:
      (target, name: string) =>
      async (...args: unknown[]) => {
        const answer = await target[name]!.apply(target, args);
        await pause();
        return answer;
      },
  });
  return new OpenPort(calls, [Promise.resolve(), ended], reject);
}

class OpenPort implements Port {
  ended = false;
  /** Whether the backend ever answered. Before, an error means that it did not start. */
  answered = false;
  readonly #calls: Calls;
  readonly #ready: Promise<void>;
  readonly #end: Promise<never>;
  readonly #close: (error: KithError) => void;

  constructor(
    calls: Calls,
    [ready, end]: [Promise<void>, Promise<never>],
    close: (error: KithError) => void,
  ) {
    this.#calls = calls;
    this.#ready = ready;
    this.#end = end;
    this.#close = close;
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
      await Promise.race([this.#ready, this.#end]);
      const work = this.#calls[method]!(...sent);
      const answer = (await Promise.race([work, this.#end])) as Answer<K>;
      this.answered = true;
      return answer;
    } catch (thrown) {
      throw fromBackend(thrown);
    }
  }

  end(error: KithError): void {
    if (this.ended) return;
    this.ended = true;
    this.#close(error);
  }
}

function died(event: ErrorEvent, answered: boolean): KithError {
  const said = event.message || "no reason was given";
  return answered
    ? new KithError("WASM_PANIC", `the worker failed: ${said}`)
    : new KithError("WORKER_START", `the worker cannot start: ${said}`);
}
