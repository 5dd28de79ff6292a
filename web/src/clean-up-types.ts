/** What a clean-up finds. Pictures are places in the list that was given, from 0. */

/** What may be wrong with some pictures. */
export interface CleanUp {
  /** Pictures that are there twice, or nearly. */
  readonly nearDuplicates: NearDuplicates;
  /** Pictures that lie far from all others, the least likely by chance first. */
  readonly outliers: readonly Outlier[];
  /** What is doubtful of labels; null where no two classes have five different pictures each. */
  readonly labels: JudgedLabels | null;
}

/** Pictures of which fewer would do. */
export interface NearDuplicates {
  /** Groups of which one picture is enough, the most alike first. */
  readonly groups: readonly NearDuplicateGroup[];
  /**
   * The distance up to which two pictures are near-duplicates, as a share of how far apart pictures lie
   * around them; null: only pictures with the same embeddings are.
   */
  readonly threshold: number | null;
  /** The share, 0 to 1, of copies that kith made of some pictures and finds, by what was done to them. */
  readonly copiesFound: Readonly<Record<string, number>>;
}

/** Pictures of which one is enough. */
export interface NearDuplicateGroup {
  /** The picture to keep. */
  readonly kept: number;
  /** The others, the most alike first. */
  readonly others: readonly NearDuplicate[];
}

/** A picture that is nearly the same as one that is kept. */
export interface NearDuplicate {
  /** Its place. */
  readonly picture: number;
  /** The cosine of its embedding with that of the kept one, -1 to 1. */
  readonly cosine: number;
}

/** A picture that lies far from all others. */
export interface Outlier {
  /** Its place. */
  readonly picture: number;
  /** How many times as far from its nearest others as pictures of its class usually lie; above 1. */
  readonly times: number;
}

/** What is doubtful of labels. */
export interface JudgedLabels {
  /** Labels that may be wrong, the most doubtful first. */
  readonly doubts: readonly LabelDoubt[];
  /** Classes that are taken for each other, most often first. */
  readonly blends: readonly ClassBlend[];
  /** Pictures that were judged. */
  readonly judged: number;
  /** Classes of fewer than five different pictures, which were not judged. */
  readonly small: readonly string[];
}

/** A label that may be wrong. */
export interface LabelDoubt {
  /** The picture's place. */
  readonly picture: number;
  /** Its label. */
  readonly label: string;
  /** The class that it looks like. */
  readonly suggested: string;
  /** The probability of its label, 0 to 1, by a probe that has not seen the picture. */
  readonly probability: number;
  /** The probability of the suggested class, by the same probe. */
  readonly likely: number;
  /** Whether the label is most likely wrong, and the picture not one between classes. */
  readonly strong: boolean;
  /** The picture of the suggested class that is most alike; null where there is none. */
  readonly beside: number | null;
}

/** Two classes that are taken for each other. */
export interface ClassBlend {
  /** Their names. */
  readonly labels: readonly [string, string];
  /** Pictures of the first that look like the second, and of the second that look like the first. */
  readonly counts: readonly [number, number];
  /** Both together, as a share of the pictures of both classes. */
  readonly share: number;
}
