/** What is said of labels: probes that learn them, pictures to label next, labels that spread. */
import type { LinearProbe } from "./probe.js";

/**
 * Settings of a linear probe: logistic regression on standardised embeddings, at the minimum of the mean
 * cross-entropy plus `strength / 2` times the sum of squared weights.
 */
export interface ProbeConfig {
  /**
   * Strength of the penalty, above 0. Default: chosen by five-fold cross-validation among half powers of
   * ten from 1 to 1e-5 (of more than 5,000 pictures, a fifth is predicted once).
   */
  readonly strength?: number;
  /**
   * Share of the pictures kept aside to measure on, in [0, 0.9]; drawn class by class. Default 0: all
   * pictures teach, and the report is of what cross-validation says of them.
   */
  readonly validationSplit?: number;
  /** `balanced`: every class weighs the same whatever its number of pictures. Default `none`. */
  readonly classWeights?: "balanced" | "none";
  /** Draws the validation pictures. Default 0. */
  readonly seed?: number;
}

/** What a strength of the penalty gave on pictures that took turns in being kept aside. */
export interface ProbeStrength {
  /** Tells the events of a run apart. */
  readonly type: "strength";
  /** Strength of the penalty, above 0. */
  readonly strength: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  /** Share of the pictures that it was right for, in [0, 1]. */
  readonly accuracy: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** The probe is trained. */
export interface ProbeDone {
  /** Tells the events of a run apart. */
  readonly type: "done";
  /** How well it does. */
  readonly report: ProbeReport;
}

/** What happens while a probe is trained: each strength that was tried, then the end. */
export type ProbeEvent = ProbeStrength | ProbeDone;

/** How well a probe tells pictures apart that it has not learnt from. */
export interface ProbeReport {
  /** Share of the measured pictures that it is right for, in [0, 1]. */
  readonly accuracy: number;
  /**
   * `validation`: pictures kept aside. `cross-validation`: pictures that took turns in being kept aside.
   * `training`: pictures that the probe has learnt from, since each class had only one.
   */
  readonly measuredOn: "validation" | "cross-validation" | "training";
  /** Strength of the penalty; absent in probes of earlier versions, as `tried` is. */
  readonly strength?: number;
  /** What each strength gave that was tried. */
  readonly tried?: readonly Omit<ProbeStrength, "type" | "ms">[];
  /** The same class by class, in the order of the probe's labels. */
  readonly perClass: readonly {
    /** The class. */
    readonly label: string;
    /** Share of its measured pictures, in [0, 1]; NaN where none was measured. */
    readonly accuracy: number;
    /** How many of its pictures were measured. */
    readonly count: number;
  }[];
  /** Which classes were taken for which. */
  readonly confusion: {
    /** The classes, sorted. */
    readonly labels: readonly string[];
    /** Pictures: `counts[truth * labels.length + predicted]`. */
    readonly counts: Uint32Array;
  };
  /** Places, in what was given, of the pictures that were measured and told wrong. */
  readonly misclassified: readonly number[];
  /** Places of the pictures kept aside. */
  readonly validation: readonly number[];
}

/** By which rule pictures are proposed. */
export type ProposalRule = "random" | "uncertain" | "representative" | "different";

/** Which pictures `LabelPool.propose` proposes, and how many. */
export interface ProposeOptions {
  /**
   * `uncertain`: where the probe's two likeliest classes are nearest to each other (margin sampling).
   * `representative`: those that stand for most others without a labelled neighbour (facility location).
   * `different`: the farthest from every labelled picture (greedy k-centre, core-set). `random`: by chance.
   */
  readonly rule: ProposalRule;
  /** So many at most. Default 1. */
  readonly count?: number;
  /** Of the pictures' embeddings; for the rule `uncertain`. */
  readonly probe?: LinearProbe;
  /** Places of pictures that are not to be proposed. */
  readonly skip?: readonly number[];
  /** Decides for the rule `random`. Default 0. */
  readonly seed?: number;
  /** Ends the call with `ABORTED`. */
  readonly signal?: AbortSignal;
}

/** A picture to label next, and why. */
export interface Proposal {
  /** Its place in the pool, from 0. */
  readonly place: number;
  /** Why it is proposed. */
  readonly reason: ProposalReason;
}

/**
 * Why a picture is proposed. `chance`: by chance. `margin`: the probe's two likeliest classes, and their
 * probabilities. `stands-for`: so many pictures would then have a labelled picture nearer than now.
 * `distance`: cosine to the nearest labelled picture; null where none is labelled.
 */
export type ProposalReason =
  | {
      /** Of the rule `random`. */
      readonly kind: "chance";
    }
  | {
      /** Of the rule `uncertain`. */
      readonly kind: "margin";
      /** The likeliest class, and the next. */
      readonly labels: readonly [string, string];
      /** Their probabilities, in [0, 1]. */
      readonly shares: readonly [number, number];
    }
  | {
      /** Of the rule `representative`. */
      readonly kind: "stands-for";
      /** Pictures, at least 0. */
      readonly count: number;
    }
  | {
      /** Of the rule `different`. */
      readonly kind: "distance";
      /** In [-1, 1], or null. */
      readonly cosine: number | null;
    };

/** Labels that have spread from some pictures to others. */
export interface SpreadLabels {
  /** One a picture; null where none arrived. Labels that were given stay. */
  readonly labels: readonly (string | null)[];
  /** How sure each is, in [0, 1]. */
  readonly certainties: Float32Array;
}
