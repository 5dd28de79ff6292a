/** Labelling: which picture comes next, what was said of those before, and what was learnt from it. */
import type { Device, LabelPool, ProposalRule, SpreadLabels } from "kith-web";
import type { Network } from "../network.js";
import type { Picture } from "../picture.js";
import { hasEnough, learn, type Learnt } from "./learning.js";
import { isOpen, markOf, type Mark } from "./mark.js";
import { Proposer, type Proposed } from "./proposer.js";
import type { LabelSource } from "./sources.js";

/** Proposals in a round, after which the probe learns again. */
const ROUND = 10;
/**
 * `queue`: other pictures are proposed; `labels`: something was said; `learnt`: the probe has learnt;
 * `trouble`: it could not, or nothing could be proposed.
 */
export type LabellingEvent = "queue" | "labels" | "learnt" | "trouble";

interface Parts {
  readonly source: LabelSource;
  readonly pool: LabelPool;
  readonly network: Network;
  readonly device: () => Device;
  readonly rule: ProposalRule;
  readonly closed: AbortSignal;
}

export class Labelling {
  readonly source: LabelSource;
  readonly network: Network;
  /** The rule that was chosen; `choose` changes it. */
  chosen: ProposalRule;
  /** Proposals of this round that are still to be answered; the first is the one that is shown. */
  queue: readonly Proposed[] = [];
  /** What the probe learnt last. */
  learnt: Learnt | undefined;
  /** Why the probe could not learn, or nothing could be proposed. */
  trouble: unknown;
  /** An answer is being stored. */
  busy = false;
  readonly #proposer: Proposer;
  readonly #device: () => Device;
  readonly #closed: AbortSignal;
  #history: { readonly proposed: Proposed; readonly before: Mark }[] = [];
  /** Pictures that were put off. */
  readonly #skipped = new Set<Picture>();
  #learning = new AbortController();
  /** Rounds that were begun, and proposals in the last one. */
  #round = 0;
  #size = 0;
  /** Labels that were given outside of the proposals. */
  #given = 0;
  readonly #target = new EventTarget();

  constructor({ source, pool, network, device, rule, closed }: Parts) {
    this.source = source;
    this.network = network;
    this.chosen = rule;
    this.#proposer = new Proposer(pool, source.pictures, closed);
    this.#device = device;
    this.#closed = closed;
    closed.addEventListener("abort", () => this.#learning.abort());
  }

  on(event: LabellingEvent, listener: () => void): void {
    this.#target.addEventListener(event, listener, { signal: this.#closed });
  }

  #emit(event: LabellingEvent): void {
    if (!this.#closed.aborted) this.#target.dispatchEvent(new Event(event));
  }

  get pictures(): readonly Picture[] {
    return this.source.pictures;
  }

  get current(): Proposed | undefined {
    return this.queue[0];
  }

  /** Which proposal of its round the shown one is, and how many there are. */
  get inRound(): { number: number; of: number } {
    return { number: Math.max(1, this.#size - this.queue.length + 1), of: this.#size };
  }

  get canUndo(): boolean {
    return this.#history.length > 0;
  }

  /** The rule by which pictures are proposed now. */
  get rule(): ProposalRule {
    const doubts = this.learnt !== undefined && hasEnough(this.pictures);
    return this.chosen === "uncertain" && !doubts ? "representative" : this.chosen;
  }

  /** Begins: learns from the labels that are there, and proposes the first pictures. */
  async begin(): Promise<void> {
    await this.learnAgain();
    await this.#newRound();
  }

  /** Proposes by another rule, from the next picture on. */
  async choose(rule: ProposalRule): Promise<void> {
    this.chosen = rule;
    this.queue = [];
    await this.#newRound();
  }

  /** Says that the shown picture is of a class. It is stored when this ends. */
  async label(name: string): Promise<void> {
    const aside = this.current?.reason.kind === "aside";
    await this.#answer({ label: name, unknown: false, aside });
  }

  /** Says that nobody can tell what the shown picture is, or that it is none of the classes. */
  async unknown(): Promise<void> {
    await this.#answer({ label: null, unknown: true, aside: false });
  }

  /** Puts the shown picture off. */
  async skip(): Promise<void> {
    const { current } = this;
    if (!current || this.busy) return;
    this.#skipped.add(current.picture);
    await this.#advance();
  }

  /** Takes the last answer back, and shows its picture again. */
  async undo(): Promise<void> {
    const last = this.#history.at(-1);
    if (!last || this.busy) return;
    await this.#store(last.proposed.picture, last.before);
    this.#history.pop();
    this.queue = [last.proposed, ...this.queue];
    this.#emit("labels");
    this.#emit("queue");
  }

  /** Gives a picture a label outside of the proposals; the label is learnt from. */
  async give(picture: Picture, label: string): Promise<void> {
    const before = markOf(picture);
    await this.#store(picture, { label, unknown: false, aside: false });
    this.#history.push({ proposed: { picture, reason: { kind: "taken back" } }, before });
    this.queue = this.queue.filter((each) => each.picture !== picture);
    this.#given += 1;
    this.#emit("labels");
    if (this.#given % ROUND === 0 || this.queue.length === 0) void this.learnAgain();
    if (this.queue.length === 0) await this.#newRound();
    this.#emit("queue");
  }

  async #answer(mark: Mark): Promise<void> {
    const { current } = this;
    if (!current || this.busy) return;
    const before = markOf(current.picture);
    await this.#store(current.picture, mark);
    this.#history.push({ proposed: current, before });
    this.#emit("labels");
    await this.#advance();
  }

  async #store(picture: Picture, mark: Mark): Promise<void> {
    this.busy = true;
    try {
      await this.source.mark(picture, mark);
    } finally {
      this.busy = false;
    }
  }

  async #advance(): Promise<void> {
    this.queue = this.queue.slice(1);
    this.#emit("queue");
    if (this.queue.length > 0) return;
    // The next pictures do not wait for the probe; when it has learnt, it proposes others in their place.
    void this.learnAgain().then(() => this.#proposeOthers());
    await this.#newRound();
  }

  /** Trains the probe on the labels as they are now. */
  async learnAgain(): Promise<void> {
    this.#learning.abort();
    this.#learning = new AbortController();
    const { signal } = this.#learning;
    const { network } = this;
    try {
      this.learnt = await learn(this.pictures, { network, device: this.#device(), signal });
      this.#emit("learnt");
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.trouble = error;
    this.#emit("trouble");
  }

  async #newRound(): Promise<void> {
    const round = (this.#round += 1);
    try {
      let proposed = await this.#proposer.round(this.#wanted(ROUND));
      // Those that were put off come again when no others are left.
      if (proposed.length === 0 && this.#skipped.size > 0) {
        this.#skipped.clear();
        proposed = await this.#proposer.round(this.#wanted(ROUND));
      }
      if (round !== this.#round) return;
      // An answer may have been taken back meanwhile: its picture comes first.
      this.queue = [...this.queue, ...this.#stillOpen(proposed)];
      this.#size = this.queue.length;
      this.#emit("queue");
    } catch (error) {
      if (!this.#closed.aborted) this.#fail(error);
    }
  }

  #wanted(count: number, besides: readonly Proposed[] = []) {
    const without = new Set([...this.#skipped, ...besides.map(({ picture }) => picture)]);
    return { rule: this.rule, count, probe: this.learnt?.probe, without };
  }

  /** Proposals that nobody has answered since, and that do not wait already. */
  #stillOpen(proposed: readonly Proposed[]): Proposed[] {
    const waiting = new Set(this.queue.map(({ picture }) => picture));
    return proposed.filter(({ picture }) => isOpen(picture) && !waiting.has(picture));
  }

  /** Replaces what is proposed after the shown picture; what is set aside stays. */
  async #proposeOthers(): Promise<void> {
    if (this.rule !== "uncertain" || this.#closed.aborted) return;
    try {
      const old = this.queue.slice(1).filter(({ reason }) => reason.kind !== "aside");
      const kept = this.queue.filter((each) => !old.includes(each));
      const others = await this.#proposer.byRule(this.#wanted(old.length, kept));
      const [current, ...rest] = this.queue;
      if (!current) return;
      this.queue = [current, ...rest.filter((each) => !old.includes(each))];
      const fresh = this.#stillOpen(others);
      const next = rest.flatMap((each) => (old.includes(each) ? fresh.splice(0, 1) : [each]));
      this.queue = [current, ...next];
      this.#emit("queue");
    } catch (error) {
      if (!this.#closed.aborted) this.#fail(error);
    }
  }

  /** The labels, spread over all pictures that are joined with them. */
  async spread(signal: AbortSignal): Promise<SpreadLabels> {
    return this.#proposer.spread(signal);
  }
}
