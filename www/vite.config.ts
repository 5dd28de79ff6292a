// Builds static files that work in any folder of any server, and a service worker that caches them.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { docs } from "./plugins/docs.js";
import { examplesOf } from "./plugins/examples.js";

const { version } = JSON.parse(readFileSync("node_modules/kith-web/package.json", "utf8")) as {
  version: string;
};
/** The size of the download for each device, which buttons show. */
const wasmBytes = (kind: string): number => {
  const file = `node_modules/kith-web/dist/kith_${kind}_bg.wasm`;
  if (existsSync(file)) return statSync(file).size;
  throw new Error(`${file} is missing: build the npm package first (make web)`);
};

/**
 * The recipes of the package. They are read when the page is built, because in a browser they come with
 * the WebAssembly, and the choice is shown before that is downloaded.
 */
async function recipesOfPackage() {
  const { recipeList } = await import("kith-web");
  // Recipes for few labels are the panel Label's.
  const pretraining = (await recipeList()).filter(({ toml }) => !/^\[semi\b/m.test(toml));
  return pretraining.map(({ name, title, description, toml }) => {
    const queue = /^queue *= *(\d+)/m.exec(toml)?.[1];
    return {
      name,
      title,
      summary: description,
      queue: queue === undefined ? null : Number(queue),
      needsLabels: /^kind *= *"supcon"/m.test(toml),
      oneDomain: /^batches *= *"one_domain"/m.test(toml),
    };
  });
}

/** Encoders of others that `make encoders` left, and what a button says of each. */
function encodersHere() {
  const folder = "public/encoders";
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files
    .filter((file) => file.endsWith(".json"))
    .map((file) => {
      const { title, bytes, least } = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
        title: string;
        bytes: number;
        least?: readonly number[];
      };
      if (!least) throw new Error(`${join(folder, file)} is of an earlier kith: run make encoders`);
      const name = file.replace(/\.json$/, "");
      // With its embeddings of the gallery, which come first.
      return { name, title, bytes: bytes + statSync(join(folder, `${name}.bin`)).size };
    });
}

export default defineConfig({
  base: "./",
  define: {
    VERSION: JSON.stringify(version),
    WASM_BYTES: JSON.stringify({ cpu: wasmBytes("cpu"), webgpu: wasmBytes("webgpu") }),
    ENCODERS: JSON.stringify(encodersHere()),
    EXAMPLES: JSON.stringify(examplesOf("public/networks")),
    RECIPES: JSON.stringify(await recipesOfPackage()),
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // The content security policy allows no data URLs.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    license: { fileName: "licences/LIBRARIES.txt" },
  },
  worker: { format: "es" },
  plugins: [docs(), offline()],
});

/** Writes `offline.js`: the service worker, with every file of the build and a hash of them all. */
function offline(): Plugin {
  let [root, dist] = ["", ""];
  return {
    name: "offline",
    apply: "build",
    configResolved: (config) => {
      root = config.root;
      dist = join(root, config.build.outDir);
    },
    closeBundle() {
      const files = below(dist).sort();
      const hash = createHash("sha256");
      for (const name of files) hash.update(name).update(readFileSync(join(dist, name)));
      const source = readFileSync(join(root, "src/offline/worker.js"), "utf8")
        .replace('"VERSION"', JSON.stringify(hash.digest("hex").slice(0, 16)))
        .replace('"FILES"', JSON.stringify(files));
      writeFileSync(join(dist, "offline.js"), source);
    },
  };
}

/** Files below a folder, by their path from it. */
function below(folder: string, prefix = ""): string[] {
  return readdirSync(join(folder, prefix)).flatMap((name) => {
    const path = `${prefix}${name}`;
    return statSync(join(folder, path)).isDirectory() ? below(folder, `${path}/`) : [path];
  });
}
