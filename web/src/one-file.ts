/**
 * kith-web/one-file: the package with its elements, as one script beside the workers and the WebAssembly,
 * for tools that lose a script which another one imports later. Nothing is computed in the page.
 *
 * @module one-file
 */
export * from "./elements.js";
export * from "./index.js";
