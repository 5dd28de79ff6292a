// Writes docs/api out of the types and their comments; a public name without a comment is an error.
// `--check` writes nothing, and fails where docs/api is not what would be written.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));
const kept = join(web, "../docs/api");

function write(folder) {
  const typedoc = join(web, "node_modules/typedoc/bin/typedoc");
  const said = ["--logLevel", "Warn", "--out", folder];
  try {
    execFileSync(process.execPath, [typedoc, ...said], { cwd: web, stdio: "inherit" });
  } catch {
    console.error("docs: typedoc failed, see above: every public name needs a comment");
    process.exit(1);
  }
}

/** Names of files that are not the same in both folders. */
function different(one, other) {
  const names = new Set([one, other].filter((f) => existsSync(f)).flatMap((f) => readdirSync(f)));
  const text = (folder, name) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : undefined;
  return [...names].filter((name) => text(one, name) !== text(other, name));
}

if (process.argv[2] === "--check") {
  const fresh = mkdtempSync(join(tmpdir(), "kith-api-"));
  write(fresh);
  const stale = different(fresh, kept);
  rmSync(fresh, { recursive: true });
  if (stale.length > 0) {
    console.error(`docs/api is out of date (${stale.join(", ")}): cd web && npm run docs`);
    process.exit(1);
  }
} else write(kept);
