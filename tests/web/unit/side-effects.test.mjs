// Importing the package does nothing: bundlers may leave out what nobody uses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** What is left of a file when nothing of it is used, whatever package.json says of its effects. */
async function left(name) {
  const file = fileURLToPath(new URL(`../../../web/src/${name}.ts`, import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents: `import ${JSON.stringify(file)};`, resolveDir: "." },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    packages: "external",
    external: ["node:*", "./kith_*"],
    ignoreAnnotations: true,
  });
  return outputFiles[0].text;
}

const call = /[\w$]\(/;

for (const name of ["index", "platform-node"]) {
  test(`importing ${name} calls nothing`, async () => {
    const text = await left(name);
    assert.doesNotMatch(text, call);
  });
}

test("importing a worker calls something, which bundlers must keep", async () => {
  assert.match(await left("worker"), call);
});
