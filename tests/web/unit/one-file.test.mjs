// The package as one script, for tools that keep no other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

test("one file has what the package and its elements export, and imports no other", async () => {
  const file = fileURLToPath(new URL("../../../web/dist/one-file.js", import.meta.url));
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "esm",
    metafile: true,
  });
  const [{ imports }] = Object.values(metafile.inputs);
  assert.deepEqual(imports, []);
  const [all, ...parts] = await Promise.all(
    ["one-file", "index", "elements"].map((name) => import(`../../../web/dist/${name}.js`)),
  );
  const expected = parts.flatMap((part) => Object.keys(part));
  assert.deepEqual(Object.keys(all).sort(), expected.sort());
});
