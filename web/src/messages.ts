/** Calls into a worker and their answers, as messages. */
import type { OnBytes } from "./wasm.js";

/** The first message of a worker: from here on it listens. */
export const READY = "kith: ready";

/** Methods by name, as they are called from afar. */
export type Calls = Record<string, (...args: unknown[]) => unknown>;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What a worker says besides `READY`. Errors lose their own properties on the way, so they go in parts. */
type Said =
  | { readonly bytes: Parameters<OnBytes> }
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number;
      readonly name: string;
      readonly message: string;
      readonly stack: string;
    };

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Sends calls to a worker, once it listens. Rejects with what the worker threw. */
export function caller(
  worker: Worker,
  onBytes: OnBytes,
): (method: string, args: readonly unknown[], moved: Transferable[]) => Promise<unknown> {
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let listen!: () => void;
  let listening: Promise<void> | undefined = new Promise((resolve) => (listen = resolve));
  worker.addEventListener("message", ({ data }: MessageEvent<Said | typeof READY>) => {
    if (data === READY) {
      listening = undefined;
      listen();
    } else if (typeof data !== "object" || data === null) {
      return; // The caller's own worker may say other things.
    } else if ("bytes" in data) {
      onBytes(...data.bytes);
    } else {
      const call = waiting.get(data.id);
      waiting.delete(data.id);
      if ("value" in data) call?.resolve(data.value);
      else call?.reject(Object.assign(new Error(), { ...data }));
    }
  });
  return async (method, args, moved) => {
    if (listening) await listening;
    return new Promise((resolve, reject) => {
      const id = next++;
      worker.postMessage({ id, method, args } satisfies Call, moved);
      waiting.set(id, { resolve, reject });
    });
  };
}

/** What goes with an answer and is handed over instead of copied. */
const handedOver = new WeakMap<object, Transferable[]>();

/** Marks an answer's buffers as ones that are handed over. */
export function transfer<T>(value: T, buffers: Transferable[]): T {
  handedOver.set(value as object, buffers);
  return value;
}

/** Answers the calls of a page, in a worker. */
export function answer(calls: Calls): void {
  const say = (said: Said, moved: Transferable[] = []): void =>
    postMessage(said, { transfer: moved });
  addEventListener("message", async ({ data }: MessageEvent<Call>) => {
    const { id, method, args } = data;
    try {
      const value = await calls[method]!(...args);
      say({ id, value }, handedOver.get(value as object));
    } catch (thrown) {
      const {
        name,
        message,
        stack = "",
      } = thrown instanceof Error ? thrown : new Error(String(thrown));
      say({ id, name, message, stack });
    }
  });
  postMessage(READY);
}

/** Tells the page how many bytes of the WebAssembly have come. */
export const tellBytes: OnBytes = (...bytes) => postMessage({ bytes } satisfies Said);
