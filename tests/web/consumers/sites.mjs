// Builds the sites of `examples` with the packed package, and finds in Chromium what is known: the
// nearest of six emoji is the other vendor's drawing, with the same cosine on every site. Names as
// arguments choose among them.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

import { serve } from "../browser/serve.mjs";
import { install, nodeIsAtLeast, unpackTarball } from "./installed.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../../..");
const work = join(here, "work/sites");
const encoder = join(root, "www/public/networks/trained.safetensors");

/** What is built with what; the version in `package.json` is the newest. */
const SITES = [
  { name: "no bundler", example: "html", pictures: ".", out: "." },
  { name: "Vite", example: "vite", tool: "vite/bin/vite.js", more: ["--base", "./"], out: "dist" },
  {
    name: "Vite",
    example: "vite",
    tool: "vite/bin/vite.js",
    more: ["--base", "./"],
    out: "dist",
    versions: { vite: "7.3.8" },
  },
  { name: "Next.js", example: "next", tool: "next/dist/bin/next", out: "out" },
  {
    name: "Next.js",
    example: "next",
    tool: "next/dist/bin/next",
    out: "out",
    versions: { next: "15.5.29" },
  },
  { name: "Astro", example: "astro", tool: "astro/bin/astro.mjs", out: "dist", node: "22.12.0" },
  {
    name: "Astro",
    example: "astro",
    tool: "astro/bin/astro.mjs",
    out: "dist",
    node: "22.12.0",
    versions: { astro: "6.4.8" },
  },
  {
    name: "Observable Framework",
    example: "observable",
    tool: "@observablehq/framework/dist/bin/observable.js",
    pictures: "src",
    copied: ["kith_cpu_bg.wasm"],
    out: "dist",
  },
];

const EMOJI = ["broccoli", "dog face", "soccer ball", "sunflower", "tiger face", "watermelon"];

/** A copy of an example with everything that it needs, and the version of its tool. */
function prepared({ example, versions = {}, pictures = "public", copied = [], tool }) {
  const own = JSON.parse(readFileSync(join(root, "examples", example, "package.json"), "utf8"));
  const { "kith-web": _, ...all } = { ...own.dependencies, ...own.devDependencies, ...versions };
  const [named] = Object.keys(all).filter((name) => tool?.startsWith(`${name}/`));
  const version = all[named];
  const folder = join(work, version ? `${example}-${version}` : example);
  install(folder, all);
  unpackTarball(folder);
  rmSync(join(folder, "package.json"));
  cpSync(join(root, "examples", example), folder, { recursive: true });
  const shown = join(folder, pictures);
  mkdirSync(shown, { recursive: true });
  cpSync(join(root, "examples/pictures"), join(shown, "pictures"), { recursive: true });
  cpSync(encoder, join(shown, "encoder.safetensors"));
  for (const file of copied) {
    cpSync(join(folder, "node_modules/kith-web/dist", file), join(shown, file));
  }
  return { folder, version };
}

function build(folder, { tool, more = [] }) {
  if (!tool) return;
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", ASTRO_TELEMETRY_DISABLED: "1" };
  const quiet = { OBSERVABLE_TELEMETRY_DISABLE: "1", CI: "1" };
  const script = join(folder, "node_modules", tool);
  try {
    const options = { cwd: folder, encoding: "utf8", stdio: "pipe", env: { ...env, ...quiet } };
    execFileSync(process.execPath, [script, "build", ...more], options);
  } catch (error) {
    throw new Error(`the build failed\n${error.stdout}\n${error.stderr}`, { cause: error });
  }
}

/** The cosines of six emoji with the other vendor's drawing, if those are the nearest. */
async function cosinesOf(browser, folder) {
  const server = await serve({ "": folder });
  const page = await browser.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  try {
    await page.goto(server.url);
    const cosines = [];
    for (const emoji of EMOJI) {
      const name = `${emoji} by Google`;
      const picture = page.getByAltText(name, { exact: true }).filter({ visible: true }).first();
      const output = page.locator("output");
      await picture.click({ timeout: 120_000 });
      await page.waitForFunction(
        (name) => document.querySelector("output").textContent.startsWith(`${name}: `),
        name,
        { timeout: 120_000 },
      );
      const [, nearest, cosine] = (await output.textContent()).match(/: (.*), ([\d.]+)$/);
      if (nearest !== `${emoji} by Twitter`) throw new Error(`nearest to ${name} is ${nearest}`);
      cosines.push(Number(cosine));
    }
    return cosines;
  } catch (error) {
    throw new Error(`${error}\n${said.join("\n")}`, { cause: error });
  } finally {
    await page.close();
    server.close();
  }
}

async function tried(browser, site) {
  const { folder, version } = prepared(site);
  const name = version ? `${site.name} ${version}` : site.name;
  build(folder, site);
  return { name, cosines: await cosinesOf(browser, join(folder, site.out)) };
}

const wanted = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
let failed = 0;
let first;
for (const site of SITES.filter(({ example }) => !wanted.length || wanted.includes(example))) {
  const { versions = {} } = site;
  const called = [site.name, ...Object.values(versions)].join(" ");
  if (site.node && !nodeIsAtLeast(site.node)) {
    console.log(`LEFT OUT  ${called}: needs Node ${site.node}, this is ${process.versions.node}`);
    continue;
  }
  try {
    const { name, cosines } = await tried(browser, site);
    first ??= cosines;
    if (cosines.some((cosine, i) => Math.abs(cosine - first[i]) > 1.5e-3)) {
      throw new Error(`expected the cosines ${first}, got ${cosines}`);
    }
    console.log(`ok        ${name}: ${cosines.join(" ")}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED    ${called}: ${error.message}`);
  }
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
