/** Where the pictures to label come from, and where their labels are stored. */
import type { CallOptions } from "kith-web";
import type { AppState } from "../app-state.js";
import type { Picture } from "../picture.js";
import { setMark, type Mark } from "./mark.js";

export type SourceKind = "own" | "gallery" | "folder";

export interface LabelSource {
  readonly kind: SourceKind;
  /** What keeps the work on it apart from the work on others in this browser. */
  readonly name: string;
  readonly pictures: readonly Picture[];
  /** Classes that are known beforehand. */
  readonly classes: readonly string[];
  /** Stores what was said of a picture, then says it of the picture; rejects where it cannot be stored. */
  mark(picture: Picture, mark: Mark): Promise<void>;
  /** Embeds the pictures that have no embedding yet. */
  embed(call: CallOptions): Promise<void>;
  /** The true class of a picture, where the page knows it. */
  truth?(picture: Picture): string | null;
}

/** The user's pictures: they and their labels are kept in this browser. */
export function ownPictures(app: AppState): LabelSource {
  return {
    kind: "own",
    name: "own",
    pictures: [...app.userPictures],
    classes: [],
    mark: (picture, mark) => app.mark([picture], mark),
    embed: (call) => app.embedUserPictures(call),
  };
}

/** The gallery for a toy run: its labels are hidden, and those that are given are not kept. */
export function galleryWithoutLabels({ gallery, network }: AppState): LabelSource {
  const known = gallery.filter((picture) => network.hasEmbedding(picture));
  const truths = new Map(known.map(({ id, label }) => [id, label]));
  const classes = [...new Set(truths.values())].filter((label) => label !== null);
  return {
    kind: "gallery",
    name: "gallery",
    pictures: known.map((picture) => ({ ...picture, label: null })),
    classes: classes.sort(),
    mark: async (picture, mark) => setMark(picture, mark),
    embed: async () => {},
    truth: ({ id }) => truths.get(id) ?? null,
  };
}
