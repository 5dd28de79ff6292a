// What the pages promise has a test, and what they name is there: tests, files, targets, commands.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const read = (path) => readFileSync(root + path, "utf8");
const all = (folder, ending) =>
  readdirSync(root + folder, { recursive: true })
    .filter((name) => name.endsWith(ending) && !/node_modules|target\//.test(name))
    .map((name) => `${folder}/${name}`);

const pages = [
  ...["README.md", "ARCHITECTURE.md", "web/README.md", "notebook/README.md"],
  ...readdirSync(`${root}docs`)
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

test("every promise is in its page, and has tests that are there", () => {
  const rows = [...read("docs/claims.md").matchAll(/^\| (\S+\.md) \| (.+) \| (.+) \|$/gm)];
  assert.ok(rows.length > 10, `${rows.length} promises`);
  for (const [, page, claim, tests] of rows) {
    assert.ok(read(page).includes(claim), `${page} does not say: ${claim}`);
    let file;
    for (const [, name] of tests.matchAll(/`([^`]+)`/g)) {
      if (name.includes("/")) file = read(name);
      else assert.match(file, new RegExp(`\\bfn ${name}\\(`), `${name}, for: ${claim}`);
    }
    assert.ok(file, `no test for: ${claim}`);
  }
});

/** Code in a page: between backticks, fenced or indented. */
function codeIn(page) {
  const text = read(page);
  const fenced = [...text.matchAll(/^```\w*\n([^]*?)^```/gm)].map(([, code]) => code);
  const spans = [...text.replace(/^```[^]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)];
  const indented = [...text.matchAll(/^ {4}(\S.*)$/gm)];
  return [...fenced, ...[...spans, ...indented].map(([, code]) => code)].flatMap((code) =>
    code.split("\n"),
  );
}

const rust = [...all("crates", ".rs"), ...all("tests", ".rs")];
const functions = rust.flatMap((path) =>
  [...read(path).matchAll(/\bfn (\w+)/g)].map(([, name]) => `${path}::${name}`),
);
const targets = new Set([...read("Makefile").matchAll(/^([a-z-]+):/gm)].map(([, name]) => name));
/** The program's verbs, as clap names them. */
const [, enumeration] = read("crates/cli/src/args.rs").match(/enum Verb \{([^]*?)\n\}/);
const verbs = [...enumeration.matchAll(/^ {4}([A-Z][a-z]+)/gm)].map(([, verb]) =>
  verb.toLowerCase(),
);

/** What a piece of code may name, and whether that is there. */
const kinds = [
  [/\bmake ([a-z][a-z-]*)/g, (target) => targets.has(target)],
  [/^kith +([a-z]+)/g, (verb) => verb === "help" || verbs.includes(verb)],
  [
    /(?:^|[\s(])((?:tests|\.ci|web|www|crates|assets|notebook)\/[\w./-]*\.\w+)/g,
    (path) => /\/(dist|target)\//.test(path) || existsSync(root + path),
  ],
  [
    /cargo test.* --test (\w+)/g,
    (name) =>
      [`/${name}.rs`, `/${name}/main.rs`].some((end) => rust.some((path) => path.endsWith(end))),
  ],
  [/cargo test.* -- .*?(\w+)$/g, (filter) => functions.some((one) => one.includes(filter))],
  [
    /cargo test(?: --\w+)* (\w+(?:::)?)/g,
    (filter) => {
      const name = filter.replace("::", "");
      return functions.some((one) => one.includes(filter.endsWith("::") ? `/${name}.rs` : name));
    },
  ],
];

for (const page of pages) {
  test(`what ${page} names is there`, () => {
    for (const code of codeIn(page)) {
      for (const [pattern, there] of kinds) {
        for (const [, name] of code.matchAll(pattern)) {
          assert.ok(there(name), `there is no ${name}, which ${page} names in: ${code}`);
        }
      }
    }
  });
}
