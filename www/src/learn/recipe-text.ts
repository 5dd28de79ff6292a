/** What the text of a recipe says, in which the package writes out every setting. */

/** The batch: so many pictures without their labels are in a step. */
export const batchOf = (recipe: string): number =>
  Number(/^unlabelled_batch = (\d+)/m.exec(recipe)?.[1]);

export const nameOf = (recipe: string): string =>
  /^name = "([^"]*)"/m.exec(recipe)?.[1] ?? "without a name";

/** The kind of its objective, as in the checkpoint. */
export const methodOf = (recipe: string): string =>
  /^\[objective\]\s*\nkind = "([^"]*)"/m.exec(recipe)?.[1] ?? "not known";
