// Folders of people who use the packed package: files, npm packages of exact versions, and the tarball.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("../../../web", import.meta.url));

/** Unpacks the tarball that `make package` left into a folder's `node_modules`. */
export function unpackTarball(folder) {
  const tarball = readdirSync(web).find((name) => name.endsWith(".tgz"));
  if (!tarball) throw new Error("expected a tarball in web/, found none: run `make package` first");
  const own = join(folder, "node_modules/kith-web");
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  execFileSync("tar", ["-xzf", join(web, tarball), "--strip-components=1", "-C", own]);
}

/** Installs npm packages into a folder, where what is there is not the same already. */
export function install(folder, dependencies) {
  const manifest = `${JSON.stringify({ private: true, type: "module", dependencies }, null, 2)}\n`;
  const file = join(folder, "installed.json");
  if (existsSync(file) && readFileSync(file, "utf8") === manifest) return;
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, "node_modules"), { recursive: true, force: true });
  rmSync(join(folder, "package-lock.json"), { force: true });
  writeFileSync(join(folder, "package.json"), manifest);
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", ["install", ...quiet], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  writeFileSync(file, manifest);
}

/** Whether the Node that runs this is new enough for what says that it needs `least`. */
export function nodeIsAtLeast(least) {
  const [own, wanted] = [process.versions.node, least].map((v) => v.split(".").map(Number));
  const place = own.findIndex((part, i) => part !== (wanted[i] ?? 0));
  return place < 0 || own[place] > (wanted[place] ?? 0);
}
