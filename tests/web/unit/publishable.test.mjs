// What has to be there before the package is published.
import assert from "node:assert/strict";
import { test } from "node:test";

import { missing } from "../../../web/scripts/publishable.mjs";

const URL = "https://example.org/own/kith";
const MANIFEST = {
  version: "1.2.3",
  repository: { url: `git+${URL}.git` },
  homepage: "https://example.org/kith",
};
const CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.3 – 2026-12-01\n";

test("a package that has everything can be published", () => {
  assert.deepEqual(missing("v1.2.3", MANIFEST, CHANGELOG, URL), []);
  assert.deepEqual(missing("v1.2.3", { ...MANIFEST, repository: URL }, CHANGELOG, URL), []);
});

test("what is missing is said, each in a line", () => {
  const { version } = MANIFEST;
  const lines = missing("v1.2.4", { version }, "# Changelog\n\n## Unreleased\n", URL);
  assert.deepEqual(
    lines.map((line) => line.split(":")[0]),
    ["the tag", "CHANGELOG.md", "repository in web/package.json", "homepage in web/package.json"],
  );
  const [line, ...more] = missing("v1.2.3", MANIFEST, CHANGELOG, "https://example.org/other/kith");
  assert.deepEqual(more, []);
  assert.match(line, /expected https:\/\/example.org\/other\/kith, got git\+/);
});
