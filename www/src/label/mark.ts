/** What a person said of a picture. */
import type { Picture } from "../picture.js";

export interface Mark {
  readonly label: string | null;
  /** The person cannot tell, or it is none of the classes: it is not proposed again. */
  readonly unknown: boolean;
  /** The label measures how good guesses are; nobody learns from it. */
  readonly aside: boolean;
}

export const NOTHING_SAID: Mark = { label: null, unknown: false, aside: false };

export const markOf = ({ label, unknown = false, aside = false }: Picture): Mark => ({
  label,
  unknown,
  aside,
});

export const setMark = (picture: Picture, { label, unknown, aside }: Mark): void => {
  picture.label = label;
  picture.unknown = unknown;
  picture.aside = aside;
};

/** Whether a picture may be proposed. */
export const isOpen = ({ label, unknown }: Picture): boolean => label === null && !unknown;

/** Whether the probe and the network learn from its label. */
export const teaches = ({ label, aside }: Picture): boolean => label !== null && !aside;

/** Whether its label is there to measure on. */
export const measures = ({ label, aside }: Picture): boolean => label !== null && aside === true;
