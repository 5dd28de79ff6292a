/** The recipes of the package, as `vite.config.ts` read them. */

export interface RecipeSummary {
  readonly name: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** What it is for, in a sentence. */
  readonly summary: string;
  /** Rows of its support set; null if it has none. */
  readonly queue: number | null;
}

export const recipes: readonly RecipeSummary[] = RECIPES;

export const recipeOf = (name: string): RecipeSummary | undefined =>
  recipes.find((recipe) => recipe.name === name);
