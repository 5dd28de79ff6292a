/** The recipes of the package, as `vite.config.ts` read them. */

export interface RecipeSummary {
  readonly name: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** What it is for, in a sentence. */
  readonly summary: string;
  /** Rows of its support set; null if it has none. */
  readonly queue: number | null;
  /** Whether its method is told labels. */
  readonly needsLabels: boolean;
  /** Whether its batches are of one domain, where domains are known. */
  readonly oneDomain: boolean;
}

export const recipes: readonly RecipeSummary[] = RECIPES;

export const recipeOf = (name: string): RecipeSummary | undefined =>
  recipes.find((recipe) => recipe.name === name);

/** A run in the tab where nothing else is chosen. */
interface Usual {
  /** Side of the pictures, in pixels. */
  readonly side: number;
  readonly steps: number;
}

const USUAL: Usual = { side: 32, steps: 300 };

/** The recipe of the first run: it shows what it learns within a minute on one core. */
export const FIRST_RECIPE = "minute";
const FIRST: Usual = { side: 16, steps: 1200 };

/** How large pictures are and how many steps a run takes by a recipe. */
export const usualFor = (recipe: string): Usual => (recipe === FIRST_RECIPE ? FIRST : USUAL);
