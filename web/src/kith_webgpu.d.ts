/** What wasm-bindgen writes beside the build; see crates/wasm for the documentation. */
export * from "../dist/kith_cpu.js";
export { default } from "../dist/kith_cpu.js";
