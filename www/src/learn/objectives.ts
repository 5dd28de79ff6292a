/** What a run in the tab can learn by, and what a visitor reads of it. */
export type Objective = "nnclr" | "simclr" | "relational";

interface ObjectiveText {
  readonly name: string;
  /** What it learns from, beside its name. */
  readonly from: string;
  /** The accuracy that the curve shows, and what it is of. */
  readonly accuracy: string;
  readonly curve: string;
}

const FINDS = {
  accuracy: "Finds the other view",
  curve: "Finds the other view of a picture in its batch",
};

const WORDS: Record<Objective, ObjectiveText> = {
  nnclr: { name: "NNCLR", from: "with neighbours", ...FINDS },
  simclr: { name: "SimCLR", from: "two views", ...FINDS },
  relational: {
    name: "Relational reasoning",
    from: "four views",
    accuracy: "Tells pairs apart",
    curve: "Tells two views of a picture from views of two",
  },
};

export const OBJECTIVES = Object.keys(WORDS) as Objective[];

export const textOf = (objective: Objective): ObjectiveText => WORDS[objective];

export const isObjective = (name: string): name is Objective => Object.hasOwn(WORDS, name);

/** The name of any checkpoint's objective; one that the page does not know keeps its own. */
export const objectiveName = (objective: string): string =>
  isObjective(objective) ? WORDS[objective].name : objective;
