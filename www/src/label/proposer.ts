/** Proposes pictures to label: most by a rule, every fifth by chance to be set aside. */
import type { LabelPool, LinearProbe, ProposalRule, SpreadLabels } from "kith-web";
import type { Picture } from "../picture.js";
import { isOpen, measures, teaches } from "./mark.js";
import type { Reason } from "./reasons.js";

/** Each proposal with a number that this divides is drawn by chance and set aside. */
const ASIDE_EVERY = 5;

export interface Proposed {
  readonly picture: Picture;
  readonly reason: Reason;
}

interface Wanted {
  readonly rule: ProposalRule;
  readonly count: number;
  readonly probe: LinearProbe | undefined;
  /** Pictures that are not to be proposed, besides those of which something was said. */
  readonly without: ReadonlySet<Picture>;
}

export class Proposer {
  readonly #pool: LabelPool;
  readonly #pictures: readonly Picture[];
  readonly #closed: AbortSignal;

  constructor(pool: LabelPool, pictures: readonly Picture[], closed: AbortSignal) {
    this.#pool = pool;
    this.#pictures = pictures;
    this.#closed = closed;
  }

  /** A round of so many proposals; fewer where fewer pictures are open. */
  async round(wanted: Wanted): Promise<Proposed[]> {
    const { count, without } = wanted;
    const left = this.#pictures.filter((each) => isOpen(each) && !without.has(each)).length;
    const few = Math.floor(Math.min(count, left) / ASIDE_EVERY);
    const drawn = await this.byRule({ ...wanted, rule: "random", count: few });
    const aside = drawn.map(({ picture }): Proposed => ({ picture, reason: { kind: "aside" } }));
    const others = await this.byRule({
      ...wanted,
      count: count - few,
      without: new Set([...without, ...drawn.map(({ picture }) => picture)]),
    });
    const round: Proposed[] = [];
    for (let number = 1; number <= count; number += 1) {
      const next = number % ASIDE_EVERY === 0 ? aside.shift() : others.shift();
      if (next) round.push(next);
    }
    return [...round, ...others, ...aside];
  }

  /** Proposals by the rule alone. */
  async byRule({ rule, count, probe, without }: Wanted): Promise<Proposed[]> {
    if (count === 0) return [];
    const skip = this.#pictures.flatMap((picture, place) =>
      measures(picture) || picture.unknown || without.has(picture) ? [place] : [],
    );
    const proposals = await this.#pool.propose(this.#labels(), {
      rule,
      count,
      skip,
      // Another draw whenever something was said, put off or taken.
      seed: this.#pictures.filter((each) => !isOpen(each)).length + 1000 * without.size,
      ...(probe && { probe }),
      signal: this.#closed,
    });
    return proposals.map(({ place, reason }) => ({ picture: this.#pictures[place]!, reason }));
  }

  /** The labels, spread over all pictures that are joined with them. */
  async spread(signal: AbortSignal): Promise<SpreadLabels> {
    return this.#pool.spread(this.#labels(), { signal });
  }

  /** Labels that are learnt from, one a picture. */
  #labels(): (string | null)[] {
    return this.#pictures.map((picture) => (teaches(picture) ? picture.label : null));
  }
}
