// What a tab and its workers take, after their rubbish was collected.
import type { CDPSession, Page } from "@playwright/test";

export interface Memory {
  /** Bytes of JavaScript's objects and arrays, in the tab. */
  readonly heap: number;
  /** The same in its workers. */
  readonly workerHeap: number;
  readonly workers: number;
  /** Bytes of WebAssembly's memory in workers that /pages/watched.js made. */
  readonly wasm: number;
  /** GPU buffers that are alive there. */
  readonly buffers: number;
}

interface Usage {
  readonly usedSize: number;
  /** Of arrays' bytes, which do not lie in the heap. */
  readonly backingStorageSize: number;
}

/** Watches a tab; what it gives measures it. */
export async function watched(tab: Page): Promise<() => Promise<Memory>> {
  const session = await tab.context().newCDPSession(tab);
  const workers = await workersOf(session);
  return async () => {
    const heap = bytes(await used((method) => session.send(method)));
    const heaps = await Promise.all([...workers.values()].map((send) => used(send)));
    const workerHeap = heaps.reduce((sum, usage) => sum + bytes(usage), 0);
    return { heap, workerHeap, workers: workers.size, ...(await tab.evaluate(looked)) };
  };
}

/** What JavaScript sees of the memory; WebAssembly's is counted on its own. */
const bytes = ({ usedSize, backingStorageSize }: Usage): number => usedSize + backingStorageSize;

type Method = "HeapProfiler.collectGarbage" | "Runtime.getHeapUsage";
type Send = (method: Method) => Promise<unknown>;

async function used(send: Send): Promise<Usage> {
  // What one collection lets go of, another one takes.
  for (let time = 0; time < 2; time += 1) await send("HeapProfiler.collectGarbage");
  return (await send("Runtime.getHeapUsage")) as Usage;
}

/** The workers of a tab, as they come and go: how each is sent a message. */
async function workersOf(session: CDPSession): Promise<Map<string, Send>> {
  const workers = new Map<string, Send>();
  const answers = new Map<number, (result: unknown) => void>();
  let last = 0;
  session.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
    if (targetInfo.type !== "worker") return;
    workers.set(sessionId, async (method) => {
      const id = (last += 1);
      const answer = new Promise((done) => answers.set(id, done));
      const message = JSON.stringify({ id, method });
      await session.send("Target.sendMessageToTarget", { sessionId, message });
      return answer;
    });
  });
  session.on("Target.detachedFromTarget", ({ sessionId }) => void workers.delete(sessionId));
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message) as { id?: number; result: unknown };
    if (id !== undefined) answers.get(id)?.(result);
  });
  const options = { autoAttach: true, waitForDebuggerOnStart: false, flatten: false };
  await session.send("Target.setAutoAttach", options);
  return workers;
}

/** In the tab: asks the workers. */
async function looked(): Promise<{ wasm: number; buffers: number }> {
  const channel = new BroadcastChannel("watch");
  const seen = { wasm: 0, buffers: 0 };
  channel.onmessage = ({ data }) => {
    seen.wasm += data.wasm;
    seen.buffers += data.buffers;
  };
  channel.postMessage("look");
  await new Promise((done) => setTimeout(done, 200));
  channel.close();
  return seen;
}

/** In words. */
export function told({ heap, workerHeap, workers, wasm, buffers }: Memory): string {
  const [tab, there, webAssembly] = [heap, workerHeap, wasm].map((n) => (n / 1e6).toFixed(2));
  return `tab ${tab} MB, ${workers} workers ${there} MB, WebAssembly ${webAssembly} MB, ${buffers} GPU buffers`;
}
