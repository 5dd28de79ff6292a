// Sizes of downloads, and offline use.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, load, PANELS, test } from "./visit.js";

const dist = fileURLToPath(new URL("../../www/dist", import.meta.url));

/** Compressed bytes of everything but pictures that the page downloads before the network is loaded. */
const BUDGET = 525_000;
/** Bytes that the first panel downloads, pictures included. */
const UNASKED = 1_200_000;

test.describe("with a service worker", () => {
  test.use({ serviceWorkers: "allow" });

  test("opens offline after the first visit, and loads the network", async ({ visit, context }) => {
    const { page } = visit;
    await visit.open("neighbours");
    await expect(page.getByText("this page opens offline")).toBeVisible({
      timeout: 60_000,
    });
    const kept = await page.evaluate(async () => {
      const opened = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
      const requests = await Promise.all(opened.map((cache) => cache.keys()));
      return requests.flat().map(({ url }) => new URL(url).pathname);
    });
    const builds = kept.filter((path) => path.endsWith(".wasm"));
    expect(builds, "the build that this browser loads, alone").toEqual([
      expect.stringMatching(/kith_cpu_relaxed_bg-.*\.wasm$/),
    ]);
    await context.setOffline(true);
    await page.reload();
    await expect(page.locator(".comparison .grid .cell")).toHaveCount(16);
    await load(page);
    for (const panel of PANELS) await visit.open(panel);
    const docs = readdirSync(join(dist, "docs")).map((name) => `docs/${name}`);
    const missing = await page.evaluate(async (names) => {
      const there = await Promise.all(names.map(async (name) => (await fetch(name)).ok));
      return names.filter((_, place) => !there[place]);
    }, docs);
    expect(missing, "the documentation is there too").toEqual([]);
    await page.getByRole("link", { name: "All documentation" }).click();
    await expect(page.locator("h1")).toHaveText("kith");
  });
});

test("keeps to its budget before the network is loaded", async ({ visit }) => {
  const { page } = visit;
  const asked = new Set<string>();
  page.on("request", (request) =>
    asked.add(new URL(request.url()).pathname.replace("/some/folder/", "")),
  );
  await visit.open("neighbours");
  await page.waitForTimeout(500);
  const first = [...asked].map((name) => statSync(join(dist, name || "index.html")).size);
  expect(
    first.reduce((a, b) => a + b, 0),
    "bytes of the first panel",
  ).toBeLessThan(UNASKED);
  for (const panel of PANELS) {
    await visit.open(panel);
    await page.waitForTimeout(300);
  }
  expect(
    [...asked].filter((name) => /wasm|safetensors/.test(name)),
    "nothing large comes unasked",
  ).toEqual([]);
  const sizes = [...asked]
    .filter((name) => !/\.(webp|png)$/.test(name))
    .map(
      (name) => [name, gzipSync(readFileSync(join(dist, name || "index.html"))).length] as const,
    );
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(
    `before the network is loaded: ${total} bytes, of which ${sizes
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, 8)
      .map(([name, size]) => `${name} ${size}`)
      .join(", ")}`,
  );
  expect(total).toBeLessThan(BUDGET);
});

test("has nothing that is served from elsewhere, and no inline script or style", () => {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
  expect(html).not.toMatch(/<style|style=|onclick=/);
  expect(html).not.toMatch(/(src|href)="(https?:)?\//);
  expect(readdirSync(dist)).toContain("offline.js");
});

test("has a policy that allows scripts of its own server alone", () => {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  const [, policy = ""] =
    /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(html) ?? [];
  const directives = new Map(
    policy.split(";").map((directive) => {
      const [name = "", ...sources] = directive.trim().split(/\s+/);
      return [name, sources] as const;
    }),
  );
  // WebAssembly is compiled by it alone, and it allows nothing else.
  expect(directives.get("script-src")).toEqual(["'self'", "'wasm-unsafe-eval'"]);
  expect(directives.get("default-src")).toEqual(["'none'"]);
  for (const name of ["base-uri", "form-action"]) expect(directives.get(name)).toEqual(["'none'"]);
  for (const [name, sources] of directives) {
    for (const source of sources) {
      expect(source, name).toMatch(/^('self'|'none'|'wasm-unsafe-eval'|blob:)$/);
    }
    // A document of a page's own making would be one of its scripts' too.
    if (/^(script|worker|object|frame|style)-src$/.test(name))
      expect(sources).not.toContain("blob:");
  }
});

test("runs no script that is no file of its server", async ({ visit }) => {
  visit.expected.push(/policy|Content Security Policy/i);
  await visit.open("neighbours");
  const ran = await visit.page.evaluate(async () => {
    const mark = (name: string) => `document.documentElement.dataset.ran = "${name}"`;
    const inline = document.createElement("script");
    inline.textContent = mark("inline");
    const blob = document.createElement("script");
    blob.src = URL.createObjectURL(new Blob([mark("blob")], { type: "text/javascript" }));
    const image = document.createElement("img");
    image.setAttribute("onerror", mark("handler"));
    image.src = "data:,";
    document.body.append(inline, blob, image);
    const own = document.createElement("script");
    const loaded = new Promise((done) => own.addEventListener("load", done));
    own.src = "./offline.js";
    document.body.append(own);
    await loaded;
    await new Promise((later) => setTimeout(later, 100));
    return document.documentElement.dataset.ran;
  });
  expect(ran).toBeUndefined();
});
