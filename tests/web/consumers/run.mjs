// Builds and runs the packed package as its users do; every way must give the same numbers.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";
import { chromium } from "playwright-core";
import * as vite from "vite";
import * as vite6 from "vite6";
import * as vite7 from "vite7";
import webpack from "webpack";

import { serve } from "../browser/serve.mjs";
import { unpackTarball } from "./installed.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const web = join(here, "../../../web");
const work = join(here, "work/ways");
const parity = join(process.env.CARGO_TARGET_DIR ?? join(web, "../target"), "tmp/parity");
const { devDependencies: versions } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));

const SCRIPT = (options, encoder = "checkpoint.safetensors") => `
import { loadEncoder } from "kith-web";
const picture = (seed) => {
  const data = Uint8Array.from({ length: 40 * 40 * 3 }, (_, i) => (i * seed) % 251);
  return { data, width: 40, height: 40, channels: 3 };
};
export const result = (async () => {
  const encoder = await loadEncoder(${JSON.stringify(encoder)}, ${options});
  const embeddings = await encoder.embed([picture(3), picture(7)]);
  await encoder.dispose();
  return [encoder.info.dim, encoder.device.actual, ...embeddings.data];
})();
globalThis.result = result;
`;
const CPU = '{ device: "cpu" }';
const PAGE = (head) => `<!doctype html><meta charset="utf-8"><title>consumer</title>${head}`;

/** What a caller's types must be able to say. */
const TYPED = `
import { KithProbe, type KithElementEvent } from "kith-web/elements";
import { KnnIndex, KithError, loadEncoder, trainLinearProbe, type DeviceReport } from "kith-web";
export async function use(files: File[], labels: string[]): Promise<DeviceReport> {
  const encoder = await loadEncoder("encoder.safetensors", { onProgress: ({ fraction }) => fraction });
  const embeddings = await encoder.embed(files);
  const index = new KnnIndex(embeddings.dim);
  index.add(embeddings, labels.map((label) => ({ label })));
  for await (const event of trainLinearProbe(embeddings, labels)) {
    if (event.type === "strength") event.loss.toFixed(2);
    else event.report.confusion.counts satisfies Uint32Array;
  }
  const element = document.querySelector("kith-probe") satisfies KithProbe | null;
  element?.addEventListener("kith-prediction", ({ detail }) => detail.shares[0]?.probability.toFixed());
  document.addEventListener("kith-neighbours", ({ detail }) => detail.neighbours[0]?.cosine.toFixed());
  element?.addEventListener("kith-error", (event: KithElementEvent<"kith-error">) => event.detail.error.hint);
  // @ts-expect-error a property that does not exist
  element?.nonesuch;
  // @ts-expect-error a code that does not exist
  if (new KithError("NO_WEBGPU", "").code === "NONESUCH") return encoder.device;
  return encoder.device;
}
`;

/** A folder with the packed package installed. */
function consumer(name, files) {
  const folder = join(work, name);
  unpackTarball(folder);
  const all = { "package.json": '{ "private": true, "type": "module" }', ...files };
  for (const [path, text] of Object.entries(all)) writeFileSync(join(folder, path), text);
  mkdirSync(join(folder, "public"), { recursive: true });
  cpSync(join(parity, "checkpoint.safetensors"), join(folder, "public/checkpoint.safetensors"));
  return folder;
}

async function inPage(url) {
  const page = await browser.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  try {
    await page.goto(url);
    await page.waitForFunction(() => "result" in globalThis, null, { timeout: 30_000 });
    return await page.evaluate(() => globalThis.result);
  } catch (error) {
    throw new Error(`${error}\n${said.join("\n")}`);
  } finally {
    await page.close();
  }
}

async function served(folder, run = inPage) {
  const server = await serve({ "": folder });
  try {
    return await run(server.url);
  } finally {
    server.close();
  }
}

const module = (path) => PAGE(`<script type="module" src="${path}"></script>`);

function withVite(tool, config = {}) {
  const own = (folder) => ({ root: folder, logLevel: "error", base: "./", ...config });
  return {
    files: { "index.html": module("/main.js"), "main.js": SCRIPT(CPU) },
    dev: async (folder) => {
      const server = await tool.createServer({ ...own(folder), configFile: false });
      await server.listen();
      try {
        return await inPage(server.resolvedUrls.local[0]);
      } finally {
        await server.close();
      }
    },
    build: async (folder) => {
      await tool.build({ ...own(folder), configFile: false });
      return served(join(folder, "dist"));
    },
  };
}

function withoutBrowser(program, ...more) {
  const script = SCRIPT("{}", join(parity, "checkpoint.safetensors"));
  const files = { "main.mjs": `${script}\nconsole.log(JSON.stringify(await result));` };
  const run = async (folder) =>
    JSON.parse(execFileSync(program, [...more, join(folder, "main.mjs")], { encoding: "utf8" }));
  return [files, run];
}

const newest = withVite(vite);
const older = [vite7, vite6].map((tool) =>
  withVite(tool, { optimizeDeps: { exclude: ["kith-web"] } }),
);
const BESIDE = '{ device: "cpu", workerUrl: "kith/worker.js", wasmUrl: "kith/" }';

const ways = {
  "Vite 8, dev": [newest.files, newest.dev],
  "Vite 8, build": [newest.files, newest.build],
  "Vite 7, dev": [older[0].files, older[0].dev],
  "Vite 7, build": [older[0].files, older[0].build],
  "Vite 6, dev": [older[1].files, older[1].dev],
  "Vite 6, build": [older[1].files, older[1].build],
  "webpack 5": [
    { "main.js": SCRIPT(CPU) },
    async (folder) => {
      const output = { path: join(folder, "public") };
      const config = { mode: "production", context: folder, entry: "./main.js", output };
      await new Promise((done, failed) =>
        webpack({ ...config, performance: false }, (error, stats) =>
          error || stats.hasErrors() ? failed(error ?? stats.toString()) : done(),
        ),
      );
      writeFileSync(join(folder, "public/index.html"), module("main.js"));
      return served(join(folder, "public"));
    },
  ],
  esbuild: [
    { "main.js": SCRIPT(BESIDE) },
    async (folder) => {
      const output = join(folder, "public/main.js");
      const entryPoints = [join(folder, "main.js")];
      await esbuild.build({ entryPoints, bundle: true, format: "esm", outfile: output });
      cpSync(join(folder, "node_modules/kith-web/dist"), join(folder, "public/kith"), {
        recursive: true,
      });
      writeFileSync(join(folder, "public/index.html"), module("main.js"));
      return served(join(folder, "public"));
    },
  ],
  "import map": [
    {
      "index.html": PAGE(
        '<script type="importmap">{"imports":{"kith-web":"./node_modules/kith-web/dist/index.js"}}</script>' +
          '<script type="module" src="main.js"></script>',
      ),
      "main.js": SCRIPT(CPU, "public/checkpoint.safetensors"),
    },
    (folder) => served(folder),
  ],
  [`Node ${process.versions.node}`]: withoutBrowser(process.execPath),
  [`Deno ${versions.deno}`]: withoutBrowser(join(here, "node_modules/.bin/deno"), "run", "-A"),
  [`Bun ${versions.bun}`]: withoutBrowser(join(here, "node_modules/.bin/bun")),
  ...Object.fromEntries(
    ["bundler", "nodenext"].map((resolution) => [
      `TypeScript, ${resolution}`,
      [{ "main.ts": TYPED, "tsconfig.json": typescript(resolution) }, checkedTypes],
    ]),
  ),
};

function typescript(resolution) {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    module: resolution === "bundler" ? "esnext" : "nodenext",
    moduleResolution: resolution,
    target: "es2022",
    lib: ["es2022", "dom", "dom.iterable"],
    types: [],
  };
  return JSON.stringify({ compilerOptions, include: ["main.ts"] });
}

function checkedTypes(folder) {
  const tsc = join(here, "node_modules/typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  } catch (error) {
    throw new Error(error.stdout, { cause: error });
  }
  return null;
}

rmSync(work, { recursive: true, force: true });
const flags = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [...flags, "--disable-component-update", "--disable-sync"],
});
let failed = 0;
let first;
for (const [name, [files, run]] of Object.entries(ways)) {
  try {
    const found = await run(consumer(name.replace(/\W+/g, "-"), files));
    first ??= found;
    const off =
      found && found.findIndex((x, i) => (i === 1 ? x !== "cpu" : Math.abs(x - first[i]) > 1e-5));
    if (found && (off >= 0 || found.length !== 2 + 2 * found[0])) throw new Error(`got ${found}`);
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.message ?? error}`);
  }
}
await browser.close();
process.exit(failed > 0 ? 1 : 0);
