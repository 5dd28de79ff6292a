// What a packed tarball must contain, and what it must not.
import { execFileSync } from "node:child_process";

const listed = execFileSync("tar", ["-tzf", process.argv[2]], { encoding: "utf8" });
const files = listed
  .trim()
  .split("\n")
  .map((path) => path.replace(/^package\//, ""));
const needed = [
  ...["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.txt", "README.md", "package.json"],
  ...[
    "index.js",
    "index.d.ts",
    "elements.js",
    "elements.d.ts",
    "node.js",
    "one-file.js",
    "one-file.d.ts",
    "worker.js",
    "map-worker.js",
    "in-page.js",
  ].map((f) => `dist/${f}`),
  ...["cpu", "webgpu"].flatMap((k) => [`dist/kith_${k}.js`, `dist/kith_${k}_bg.wasm`]),
  "dist/kith_cpu_relaxed_bg.wasm",
];
const missing = needed.filter((path) => !files.includes(path));
const unneeded = files.filter((path) => /\.ts$/.test(path) && !/\.d\.ts$/.test(path));
const foreign = files.filter(
  (path) => !/^(dist\/|LICENSE|THIRD-PARTY|README|package\.json)/.test(path),
);
if (missing.length + unneeded.length + foreign.length > 0) {
  console.error({ missing, unneeded, foreign });
  process.exit(1);
}
console.log(`${files.length} files, none missing, none that nobody needs`);
