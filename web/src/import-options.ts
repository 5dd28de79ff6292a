/** What is said of a file of other software's weights: checked, and as the backend takes it. */
import { changesOf, oneOf, optionsOf, plain, text, whole } from "./checks.js";
import type { Told } from "./generated.js";
import { MOST_SIDE } from "./squares.js";
import type { ImportOptions } from "./types.js";

/** The most pixels of a shorter side before the middle is cut out: the core's. */
const MOST_RESIZED = 4096;

/** The options as the backend takes them; none where nothing is said. Errors: `SETTING`. */
export function toldOf(options: ImportOptions | undefined): Told | undefined {
  if (options === undefined) return undefined;
  const { set, ...rest } = optionsOf<ImportOptions>(options);
  const { prefix, heads, side, resize, filter, licence, source } = rest;
  for (const [name, value] of Object.entries({ prefix, licence, source })) {
    if (value !== undefined) text(`import.${name}`, value);
  }
  if (heads !== undefined) whole("import.heads", heads, 1);
  if (side !== undefined) whole("import.side", side, 1, MOST_SIDE);
  if (resize !== undefined) whole("import.resize", resize, 1, MOST_RESIZED);
  if (filter !== undefined) oneOf("import.filter", filter, ["bilinear", "bicubic"]);
  return { ...plain("import", rest), ...(set === undefined ? {} : { set: changesOf(set) }) };
}
