/** Constants that `vite.config.ts` fills in when the page is built. */

declare const VERSION: string;
declare const WASM_BYTES: { readonly cpu: number; readonly webgpu: number };
declare const RECIPES: readonly import("./learn/recipes.js").RecipeSummary[];
