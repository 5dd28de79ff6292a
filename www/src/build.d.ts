/** Constants that `vite.config.ts` fills in when the page is built. */

declare const VERSION: string;
declare const WASM_BYTES: { readonly cpu: number; readonly webgpu: number };
declare const RECIPES: readonly import("./learn/recipes.js").RecipeSummary[];
/** Encoders of others that came with the page; their files are below `encoders/`. */
declare const ENCODERS: readonly {
  readonly name: string;
  readonly title: string;
  readonly bytes: number;
}[];
/** Pictures for the first screen, chosen by a rule. */
declare const EXAMPLES: import("../plugins/examples.js").Examples;
