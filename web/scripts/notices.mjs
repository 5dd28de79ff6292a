// Licences of everything that the package contains of others: crates in the WebAssembly, npm packages
// in the scripts. Written to THIRD-PARTY.txt, each text once.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const web = fileURLToPath(new URL("..", import.meta.url));
function texts(folder) {
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name));
  return files.map((name) => join(folder, name)).flatMap(read);
}

function read(path) {
  try {
    return [readFileSync(path, "utf8").replace(/\r\n/g, "\n").trim()];
  } catch {
    return []; // A folder of licences.
  }
}

/** Crates that a build is linked from. */
function crates(feature) {
  const tree = ["tree", "--package", "kith-wasm", "--features", feature, "--edges", "normal"];
  const form = ["--target", "wasm32-unknown-unknown", "--prefix", "none", "--format", "{p}"];
  const lines = execFileSync("cargo", [...tree, ...form], { cwd: web, encoding: "utf8" });
  return lines.split("\n").map((line) => line.split(" ").slice(0, 2).join(" "));
}

/** npm packages that the scripts are bundled from. */
async function bundled() {
  const { metafile } = await build({
    entryPoints: ["index", "elements", "worker", "map-worker", "platform-node"].map((name) =>
      join(web, `src/${name}.ts`),
    ),
    outdir: "nowhere",
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    external: ["./kith_cpu.js", "./kith_webgpu.js"],
    absWorkingDir: web,
  });
  const found = Object.keys(metafile.inputs).map(
    (path) => path.match(/^node_modules\/([^/]+)/)?.[1],
  );
  return [...new Set(found.filter(Boolean))].sort();
}

const wanted = new Set(
  [...crates("cpu"), ...crates("gpu")].filter((name) => name && !/^kith-/.test(name)),
);
const metadata = JSON.parse(
  execFileSync("cargo", ["metadata", "--format-version", "1"], {
    cwd: web,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  }),
);
const parts = metadata.packages
  .filter(({ name, version }) => wanted.has(`${name} v${version}`))
  .map(({ name, version, license, manifest_path: path }) => ({
    title: `${name} ${version} (${license})`,
    texts: texts(dirname(path)),
  }));
for (const name of await bundled()) {
  const folder = join(web, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  parts.push({ title: `${name} ${version} (${license})`, texts: texts(folder) });
}

const byText = new Map();
const none = [];
for (const { title, texts } of parts) {
  if (texts.length === 0) none.push(title);
  for (const text of texts) byText.set(text, [...(byText.get(text) ?? []), title]);
}
const rule = "-".repeat(80);
const sections = [...byText].map(([text, titles]) => `${titles.join("\n")}\n\n${text}\n`);
const bare = `Without a text of their own, under the licence named:\n${none.join("\n")}\n`;
writeFileSync(
  join(web, "THIRD-PARTY.txt"),
  ["This package contains work of others:\n", bare, ...sections].join(`\n${rule}\n\n`),
);
console.log(`THIRD-PARTY.txt: ${parts.length} packages, ${byText.size} texts`);
