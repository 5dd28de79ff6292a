// Types by tsc, scripts by esbuild: entry points without a bare import, so that they run from any file
// server, an import map or a bundler. The WebAssembly is there already (`make wasm`).
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const made = ["cpu", "webgpu"].flatMap((kind) => [`kith_${kind}.js`, `kith_${kind}_bg.wasm`]);
made.push("kith_cpu_relaxed_bg.wasm");
for (const file of made) {
  if (existsSync(`dist/${file}`)) continue;
  console.error(`dist/${file} is missing: run \`make wasm\` first`);
  process.exit(1);
}
for (const file of readdirSync("dist")) {
  if (!file.startsWith("kith_")) rmSync(`dist/${file}`, { recursive: true });
}

const tsc = "node_modules/typescript/bin/tsc";
execFileSync(process.execPath, [tsc, "--emitDeclarationOnly"], { stdio: "inherit" });
// Types of the inside stay inside.
const seen = new Set(["index.d.ts", "elements.d.ts", "one-file.d.ts"]);
for (const file of seen) {
  const text = readFileSync(`dist/${file}`, "utf8");
  for (const [, path] of text.matchAll(/(?:from|import) "(\.{1,2}\/[\w/-]+)\.js"/g)) {
    seen.add(`${join(dirname(file), path)}.d.ts`);
  }
}
for (const file of readdirSync("dist", { recursive: true })) {
  if (file.endsWith(".d.ts") && !file.startsWith("kith_") && !seen.has(file))
    rmSync(`dist/${file}`);
}
/** Checks of adapters in TypeScript compare with the numbers of Rust. */
async function requirements() {
  const { default: init, requirements } = await import(resolve("dist/kith_cpu.js"));
  const exports = await init({ module_or_path: readFileSync("dist/kith_cpu_bg.wasm") });
  exports.__wasm_call_ctors();
  return JSON.stringify(requirements());
}

const common = {
  define: { REQUIREMENTS: await requirements(), IN_PAGE: "true" },
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "eof",
  external: ["./kith_cpu.js", "./kith_webgpu.js", "./in-page.js"],
  logLevel: "warning",
};
const entryPoints = ["index", "in-page", "worker", "map-worker"].map((name) => `src/${name}.ts`);
await build({ ...common, entryPoints });
/** Elements use the package's own entry, so that a page has one worker and one module of it. */
const beside = {
  name: "beside",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\.\/index\.js$/ }, () => ({ path: "./index.js", external: true })),
};
// lit-html's script for Node runs in browsers as well, and can be imported where there is no document.
const asInNode = { platform: "neutral", conditions: ["node"] };
const elements = { ...asInNode, plugins: [beside], entryPoints: ["src/elements.ts"] };
await build({ ...common, ...elements });
const alone = { ...common.define, IN_PAGE: "false" };
await build({ ...common, ...asInNode, define: alone, entryPoints: ["src/one-file.ts"] });
/** Puts Node's way of doing things in the place of a browser's. */
const node = {
  name: "node",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\/platform\.js$/ }, () => ({ path: resolve("src/platform-node.ts") })),
};
const onNode = { platform: "node", mainFields: ["module", "main"], plugins: [node] };
await build({ ...common, ...onNode, entryPoints: { node: "src/index.ts" } });
