/** Workers that share the batches of one long call on the CPU, each with an object of its own. */
import { parallel } from "./platform.js";
import { RemoteObject } from "./remote-object.js";
import type { Make } from "./near.js";

/** The most workers, unless the caller says more: each has the weights and a batch's maps in memory. */
const MOST_WORKERS = 4;

/** Another worker starts where a call goes on for longer than so, in ms: starting takes a part of it. */
const LONG_MS = 500;

/** How many workers share the work where nobody says how many. */
const usual = (): number => Math.min(globalThis.navigator?.hardwareConcurrency ?? 1, MOST_WORKERS);

/** The same object in one worker or several. Others than the first start when a call takes long. */
export class Crew<T> {
  readonly first: RemoteObject<T>;
  readonly #make: Make<T>;
  readonly #others: RemoteObject<T>[] = [];
  #most: number;
  #starting = false;
  #disposed = false;

  constructor(first: RemoteObject<T>, make: Make<T>, most = usual()) {
    this.first = first;
    this.#make = make;
    this.#most = parallel ? most : 1;
  }

  /**
   * All parts through `work`, each in a worker that has none of this call's; results in the order of the
   * parts. `total` is the number of pictures, if that is known.
   */
  async share<P extends { readonly images: readonly unknown[] }, R>(
    parts: AsyncIterable<P>,
    work: (member: RemoteObject<T>, part: P) => Promise<R>,
    { total, onDone }: { total: number | null; onDone: (done: number) => void },
  ): Promise<R[]> {
    const results: R[] = [];
    const running = new Map<RemoteObject<T>, Promise<void>>();
    const start = performance.now();
    let [place, done, over] = [0, 0, false];
    const through = async (member: RemoteObject<T>, part: P, place: number): Promise<void> => {
      results[place] = await work(member, part);
      running.delete(member);
      done += part.images.length;
      // A call that has failed says no more of the parts that were under way.
      if (!over) onDone(done);
    };
    try {
      for await (const part of parts) {
        const member = this.#members().find((member) => !running.has(member))!;
        const result = through(member, part, place++);
        result.catch(() => {}); // It is waited for below, or an earlier one has failed.
        running.set(member, result);
        if (running.size === this.#members().length) await Promise.race(running.values());
        const lasted = performance.now() - start;
        const left = total === null ? lasted : (lasted * (total - done)) / done;
        if (done > 0 && left > LONG_MS) void this.#grow();
      }
      await Promise.all(running.values());
    } finally {
      over = true;
    }
    return results;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await Promise.all(this.#members().map((member) => member.dispose()));
  }

  #members(): readonly RemoteObject<T>[] {
    return [this.first, ...this.#others];
  }

  /** Starts another worker, one at a time. If that fails, those that there are do the work. */
  async #grow(): Promise<void> {
    const { engine } = this.first;
    const enough = this.#members().length >= this.#most;
    if (enough || this.#starting || engine.report.actual !== "cpu") return;
    this.#starting = true;
    let member: RemoteObject<T> | undefined;
    try {
      member = new RemoteObject(await engine.another(), this.#make);
      await member.ready();
      if (!this.#disposed) return void this.#others.push(member);
    } catch {
      this.#most = this.#members().length;
    } finally {
      this.#starting = false;
    }
    await member?.dispose();
  }
}
