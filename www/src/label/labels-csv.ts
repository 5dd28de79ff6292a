/** The labels as a table: what was given, what has spread, what was guessed. */
import { csv } from "../files.js";
import type { Picture } from "../picture.js";
import type { Origin } from "./others.js";

/** `labels.csv`: the columns file, label and origin. Pictures that nobody can tell have no row. */
export function labelsTable(
  pictures: readonly Picture[],
  others: ReadonlyMap<Picture, { readonly label: string; readonly origin: Origin }>,
): string {
  const lines = pictures.flatMap((picture) => {
    const said =
      picture.label === null
        ? others.get(picture)
        : { label: picture.label, origin: "given" satisfies Origin };
    return said ? [[fileName(picture), said.label, said.origin]] : [];
  });
  return csv([["file", "label", "origin"], ...lines]);
}

/** A file's own name; a drawing of the gallery is named after who drew it, too. */
function fileName({ name, by, file }: Picture): string {
  if (file?.blob instanceof File) return file.blob.name;
  return by ? `${name}, ${by}` : name;
}
