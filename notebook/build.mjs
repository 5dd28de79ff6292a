// Makes what the Python package brings, in src/kith_widget/static: the widget's script with kith-web's
// worker in it, its style, and the WebAssembly, compressed. `make web` has to have run.
//
//     node notebook/build.mjs
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = fileURLToPath(new URL(".", import.meta.url));
const web = join(here, "../web");
const dist = join(web, "dist");
const to = join(here, "src/kith_widget/static");
const { build } = createRequire(join(web, "package.json"))("esbuild");
const { version } = JSON.parse(readFileSync(join(web, "package.json"), "utf8"));

const [, own] = readFileSync(join(here, "pyproject.toml"), "utf8").match(/^version = "(.*)"$/m);
if (own !== version) {
  console.error(
    `notebook/pyproject.toml: expected version ${version}, as kith-web has it, got ${own}`,
  );
  process.exit(1);
}

const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "eof",
};
const worker = await build({
  ...common,
  entryPoints: [join(dist, "worker.js")],
  write: false,
  logLevel: "warning",
});

/** kith-web as it is published, and its worker as a text. */
const bundled = {
  name: "bundled",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^kith-web$/ }, () => ({ path: join(dist, "index.js") }));
    onResolve({ filter: /^kith-web\/elements$/ }, () => ({ path: join(dist, "elements.js") }));
    onResolve({ filter: /^worker-script$/ }, () => ({ path: "worker", namespace: "worker" }));
    onLoad({ filter: /./, namespace: "worker" }, () => {
      return { contents: worker.outputFiles[0].text, loader: "text" };
    });
  },
};

rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
await build({
  ...common,
  entryPoints: [join(here, "widget/index.ts")],
  outfile: join(to, "widget.js"),
  define: { VERSION: JSON.stringify(version) },
  plugins: [bundled],
  // Only a page with the package's own worker loads it.
  external: ["./in-page.js"],
  logLevel: "warning",
});
copyFileSync(join(here, "widget/widget.css"), join(to, "widget.css"));
for (const kind of ["cpu", "webgpu"]) {
  const wasm = readFileSync(join(dist, `kith_${kind}_bg.wasm`));
  writeFileSync(join(to, `kith_${kind}_bg.wasm.gz`), gzipSync(wasm, { level: 9 }));
}
for (const file of ["widget.js", "kith_cpu_bg.wasm.gz", "kith_webgpu_bg.wasm.gz"]) {
  console.log(`${file}: ${statSync(join(to, file)).size} bytes`);
}
