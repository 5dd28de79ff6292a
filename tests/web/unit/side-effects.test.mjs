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
    external: ["node:*", "./kith_*", "./in-page.js"],
    ignoreAnnotations: true,
    // As the package is built.
    define: { IN_PAGE: "true" },
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

test("the elements can be imported where there are none, and bundlers keep what makes them known", async () => {
  const { KithNeighbours, KithProbe } = await import("../../../web/dist/elements.js");
  assert.deepEqual([typeof KithNeighbours, typeof KithProbe], ["function", "function"]);
  const { outputFiles } = await build({
    stdin: {
      contents: 'import "kith-web/elements"; import { KnnIndex } from "kith-web";',
      resolveDir: fileURLToPath(new URL("../../../web", import.meta.url)),
    },
    bundle: true,
    write: false,
    format: "esm",
  });
  const [{ text }] = outputFiles;
  assert.match(text, /"kith-neighbours"/);
  assert.match(text, /"kith-probe"/);
});
