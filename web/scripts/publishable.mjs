// Whether the package can be published for a tag: version, changelog, and the repository's address.
//
//     node web/scripts/publishable.mjs v0.1.0
//
// In a workflow, the address has to be that of the workflow's own repository.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What is missing; nothing where all is there. */
export function missing(tag, manifest, changelog, own) {
  const { version, repository, homepage } = manifest;
  const url = typeof repository === "string" ? repository : repository?.url;
  const said = [];
  if (tag !== `v${version}`) said.push(`the tag: expected v${version}, got ${tag ?? "none"}`);
  if (!changelog.includes(`\n## ${version}`) && !changelog.includes(`\n## [${version}]`)) {
    said.push(`CHANGELOG.md: expected a heading of ${version}, got none`);
  }
  if (!url)
    said.push("repository in web/package.json: expected the repository's address, got none");
  else if (own && plain(url) !== plain(own)) {
    said.push(`repository in web/package.json: expected ${own}, got ${url}`);
  }
  if (!homepage) said.push("homepage in web/package.json: expected an address, got none");
  return said;
}

const plain = (url) =>
  url
    .replace(/^git\+/, "")
    .replace(/\.git$/, "")
    .toLowerCase();

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  const own = server && name ? `${server}/${name}` : undefined;
  const manifest = JSON.parse(read("../package.json"));
  const said = missing(process.argv[2], manifest, read("../../CHANGELOG.md"), own);
  for (const line of said) console.error(line);
  if (said.length > 0) console.error("docs/versions.md says what to do");
  process.exit(said.length > 0 ? 1 : 0);
}
