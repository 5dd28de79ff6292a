/** Why a picture is proposed, in plain words. */
import type { Proposal, ProposalRule } from "kith-web";

/** A reason of the package, or that the label is set aside to measure on, or that it was taken back. */
export type Reason = Proposal["reason"] | { readonly kind: "aside" | "taken back" };

/** A line never ends between the number and its sign. */
const share = (value: number): string => `${Math.round(100 * value)}\u00a0%`;

export function inWords(reason: Reason): string {
  switch (reason.kind) {
    case "aside":
      return "Drawn by chance and set aside: nothing learns from this label, it measures how good the guesses are.";
    case "taken back":
      return "You took its label back.";
    case "chance":
      return "Drawn by chance.";
    case "margin": {
      const [first, second] = reason.labels;
      const [best, next] = reason.shares;
      return `The probe says ${first} ${share(best)}, ${second} ${share(next)}.`;
    }
    case "stands-for":
      return `Stands for ${counted(reason.count)} no labelled picture near.`;
    case "distance":
      return reason.cosine === null
        ? "No picture has a label yet, so every picture is as different as any other."
        : `The nearest labelled picture is only ${reason.cosine.toFixed(2)} alike (1 would be the same).`;
  }
}

const counted = (count: number): string =>
  count === 1 ? "1 picture that has" : `${count} pictures that have`;

/** What a person gets who chooses none: it needs the fewest labels (docs/labelling.md). */
export const DEFAULT_RULE: ProposalRule = "representative";

export const RULES: readonly (readonly [ProposalRule, string])[] = [
  ["representative", "The most representative"],
  ["uncertain", "The most uncertain"],
  ["different", "The most different"],
  ["random", "By chance"],
];

/** Labels that each of two classes needs before the probe's doubts say anything. */
export const ENOUGH = { classes: 2, labels: 2 } as const;

const WORDS: Readonly<Record<ProposalRule, string>> = {
  uncertain: "pictures whose two likeliest classes are nearest to each other (margin sampling)",
  representative: "pictures that stand for most others (facility location)",
  different: "pictures that are farthest from all labelled ones (core-set)",
  random: "pictures drawn by chance",
};

interface RuleState {
  readonly chosen: ProposalRule;
  /** The rule by which pictures are proposed now. */
  readonly inForce: ProposalRule;
  /** There are labels enough for a probe. */
  readonly enough: boolean;
}

/** What the program proposes now, and when that changes. */
export function ruleInWords({ chosen, inForce, enough }: RuleState): string {
  const now = `Proposed now: ${WORDS[inForce]}.`;
  if (chosen === inForce) return now;
  if (enough) return `${now} The probe is still learning: it is asked as soon as it has learnt.`;
  const until = `${ENOUGH.classes} classes have ${ENOUGH.labels} labels each`;
  return `${now} The probe has no doubts before ${until}: until then it cannot be asked.`;
}
