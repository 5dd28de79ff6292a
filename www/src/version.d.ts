declare const VERSION: string;
declare const WASM_BYTES: { readonly cpu: number; readonly webgpu: number };
