/** Labelling: which picture comes next, what was said of those before, and what was learnt from it. */
import type { Device, LabelPool, ProposalRule, SpreadLabels } from "kith-web";
import type { Network } from "../network.js";
import type { Picture } from "../picture.js";
import { learn, type Learnt } from "./learning.js";
import { isOpen, markOf, measures, teaches, type Mark } from "./mark.js";
import { ENOUGH, type ChosenRule, type Reason } from "./reasons.js";
import type { LabelSource } from "./sources.js";

/** Proposals in a round, after which the probe learns again. */
const ROUND = 10;
/** Each proposal with a number that this divides is drawn by chance and set aside. */
const ASIDE_EVERY = 5;

export interface Proposed {
  readonly picture: Picture;
  readonly reason: Reason;
}

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
  readonly rule: ChosenRule;
  readonly closed: AbortSignal;
}

export class Labelling {
  readonly source: LabelSource;
  readonly network: Network;
  /** The rule that was chosen; `choose` changes it. */
  chosen: ChosenRule;
  /** Proposals of this round that are still to be answered; the first is the one that is shown. */
  queue: readonly Proposed[] = [];
  /** What the probe learnt last. */
  learnt: Learnt | undefined;
  /** Why the probe could not learn, or nothing could be proposed. */
  trouble: unknown;
  /** An answer is being stored. */
  busy = false;
  readonly #pool: LabelPool;
  readonly #device: () => Device;
  readonly #closed: AbortSignal;
  #history: { readonly proposed: Proposed; readonly before: Mark }[] = [];
  /** Pictures that were put off. */
  readonly #skipped = new Set<Picture>();
  #learning = new AbortController();
  /** Rounds that were begun, and proposals in the last one. */
  #round = 0;
  #size = 0;
  readonly #target = new EventTarget();

  constructor({ source, pool, network, device, rule, closed }: Parts) {
    this.source = source;
    this.network = network;
    this.chosen = rule;
    this.#pool = pool;
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
    const doubts = this.learnt !== undefined && this.#hasEnough();
    if (this.chosen === "auto") return doubts ? "uncertain" : "representative";
    return this.chosen === "uncertain" && !doubts ? "representative" : this.chosen;
  }

  /** Whether enough classes have enough labels for the probe's doubts to say anything. */
  #hasEnough(): boolean {
    const counts = new Map<string, number>();
    for (const { label } of this.pictures.filter(teaches)) {
      counts.set(label!, (counts.get(label!) ?? 0) + 1);
    }
    const classes = [...counts.values()].filter((count) => count >= ENOUGH.labels);
    return classes.length >= ENOUGH.classes;
  }

  /** Begins: learns from the labels that are there, and proposes the first pictures. */
  async begin(): Promise<void> {
    await this.learnAgain();
    await this.#newRound();
  }

  /** Proposes by another rule, from the next picture on. */
  async choose(rule: ChosenRule): Promise<void> {
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
    this.#emit("labels");
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
      let proposed = await this.#propose(ROUND);
      // Those that were put off come again when no others are left.
      if (proposed.length === 0 && this.#skipped.size > 0) {
        this.#skipped.clear();
        proposed = await this.#propose(ROUND);
      }
      if (round !== this.#round) return;
      this.queue = proposed;
      this.#size = proposed.length;
      this.#emit("queue");
    } catch (error) {
      if (!this.#closed.aborted) this.#fail(error);
    }
  }

  /** Pictures of a round: most by the rule, every fifth by chance. */
  async #propose(count: number): Promise<Proposed[]> {
    const left = this.pictures.filter((each) => isOpen(each) && !this.#skipped.has(each)).length;
    const size = Math.min(count, left);
    const drawn = await this.#proposals("random", Math.floor(size / ASIDE_EVERY), []);
    const aside = drawn.map(({ picture }): Proposed => ({ picture, reason: { kind: "aside" } }));
    const others = await this.#proposals(this.rule, count - aside.length, aside);
    const round: Proposed[] = [];
    for (let number = 1; number <= count; number += 1) {
      const next = number % ASIDE_EVERY === 0 ? aside.shift() : others.shift();
      if (next) round.push(next);
    }
    return [...round, ...others, ...aside];
  }

  async #proposals(
    rule: ProposalRule,
    count: number,
    besides: readonly Proposed[],
  ): Promise<Proposed[]> {
    if (count === 0) return [];
    const busy = new Set([...this.#skipped, ...besides.map(({ picture }) => picture)]);
    const skip = this.pictures.flatMap((picture, place) =>
      measures(picture) || picture.unknown || busy.has(picture) ? [place] : [],
    );
    const { learnt } = this;
    const proposals = await this.#pool.propose(this.#labels(), {
      rule,
      count,
      skip,
      // Another draw whenever something was said or put off since.
      seed: this.pictures.filter((picture) => !isOpen(picture)).length + 1000 * this.#skipped.size,
      ...(learnt && { probe: learnt.probe }),
      signal: this.#closed,
    });
    return proposals.map(({ place, reason }) => ({ picture: this.pictures[place]!, reason }));
  }

  /** Labels that are learnt from, one a picture. */
  #labels(): (string | null)[] {
    return this.pictures.map((picture) => (teaches(picture) ? picture.label : null));
  }

  /** Replaces what is proposed after the shown picture; what is set aside stays. */
  async #proposeOthers(): Promise<void> {
    if (this.rule !== "uncertain" || this.#closed.aborted) return;
    try {
      const waiting = this.queue.slice(1).filter(({ reason }) => reason.kind !== "aside");
      const kept = this.queue.filter((each) => !waiting.includes(each));
      const others = await this.#proposals(this.rule, waiting.length, kept);
      const fresh = others.filter(
        ({ picture }) => isOpen(picture) && picture !== this.current?.picture,
      );
      const [current, ...rest] = this.queue;
      if (!current) return;
      const next = rest.flatMap((each) => (waiting.includes(each) ? fresh.splice(0, 1) : [each]));
      this.queue = [current, ...next];
      this.#emit("queue");
    } catch (error) {
      if (!this.#closed.aborted) this.#fail(error);
    }
  }

  /** The labels, spread over all pictures that are joined with them. */
  async spread(signal: AbortSignal): Promise<SpreadLabels> {
    return this.#pool.spread(this.#labels(), { signal });
  }
}
