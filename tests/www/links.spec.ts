// Every link of the page and of the documentation leads to something that comes with them.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, PANELS, test } from "./visit.js";

const dist = fileURLToPath(new URL("../../www/dist", import.meta.url));
const docs = readdirSync(join(dist, "docs")).filter((name) => name.endsWith(".html"));
const htmlOf = (page: string): string => readFileSync(join(dist, page), "utf8");
const policyOf = (html: string): string | undefined =>
  /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(html)?.[1];

/** What is wrong with a link of a page, if anything. */
function trouble(page: string, address: string): string | undefined {
  const [file = "", anchor] = address.split("#");
  const target = file ? relative(dist, join(dist, dirname(page), file)) : page;
  if (target.startsWith("..") || !existsSync(join(dist, target))) return "leads nowhere";
  if (!anchor || !target.endsWith(".html") || target === "index.html") return undefined;
  return htmlOf(target).includes(`id="${anchor}"`) ? undefined : "has no such place";
}

test("every link of every page of the documentation leads somewhere", () => {
  expect(docs.length).toBeGreaterThan(15);
  const wrong = ["index.html", ...docs.map((name) => `docs/${name}`)].flatMap((page) => {
    const html = htmlOf(page);
    const elsewhere = html.match(/<a [^>]*href="https?:[^>]*>/g) ?? [];
    const told = elsewhere.filter((link) => !link.includes('rel="noreferrer"'));
    const links = [...html.matchAll(/\b(?:href|src)="([^"]+)"/g)].map(([, address]) => address!);
    const dead = links
      .filter((address) => !/^https?:/.test(address))
      .flatMap((address) => {
        const what = trouble(page, address);
        return what ? [`${page}: ${address} ${what}`] : [];
      });
    return [...dead, ...told.map((link) => `${page}: ${link} tells where it was`)];
  });
  expect(wrong).toEqual([]);
});

test("every text of the documentation has a page, with the page's policy", () => {
  const folder = fileURLToPath(new URL("../../docs", import.meta.url));
  const texts = readdirSync(folder).filter((name) => name.endsWith(".md"));
  for (const name of texts) expect(docs).toContain(name.replace(/\.md$/, ".html"));
  for (const name of docs) {
    expect(policyOf(htmlOf(`docs/${name}`)), name).toBe(policyOf(htmlOf("index.html")));
    expect(htmlOf(`docs/${name}`), name).not.toMatch(/<script|<style|style=|onclick=/);
  }
});

test("the documentation is reached from the page, reads well, and leads back", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("neighbours");
  await page.getByRole("link", { name: "All documentation" }).click();
  await expect(page.locator("h1")).toHaveText("kith");
  await visit.accessible("documentation: kith");
  for (const name of ["recipes", "kith-web", "results"]) {
    await page.goto(`./docs/${name}.html`);
    await visit.accessible(`documentation: ${name}`);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(over, "no wider than a phone").toBeLessThanOrEqual(0);
  await page
    .getByRole("link", { name: /The page$/ })
    .first()
    .click();
  await expect(page.locator("main > .panel")).toBeVisible();
});

test("every link of every panel leads somewhere", async ({ visit }) => {
  const { page } = visit;
  const seen = new Set<string>();
  for (const panel of PANELS) {
    await visit.open(panel);
    await page.waitForTimeout(300);
    const links = await page.evaluate(() => [...document.links].map(({ href }) => href));
    for (const link of links) seen.add(link.split("#")[0]!);
  }
  expect(seen.size).toBeGreaterThan(8);
  for (const link of seen) expect((await page.request.get(link)).status(), link).toBe(200);
});

test("the three lines for developers run", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  const code = (await page.locator("#three-lines").textContent())!;
  const folder = mkdtempSync(join(tmpdir(), "kith-lines-"));
  copyFileSync(join(dist, "networks/trained.safetensors"), join(folder, "encoder.safetensors"));
  symlinkSync(
    fileURLToPath(new URL("../../www/node_modules", import.meta.url)),
    join(folder, "node_modules"),
  );
  // Node has no pictures of its own: bytes stand for one.
  const picture = "{ data: new Uint8Array(3 * 32 * 32), width: 32, height: 32, channels: 3 }";
  const program = `const pictures = [${picture}];\n${code}\nconsole.log(String([embeddings.count, embeddings.dim])); process.exit(0);`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(said.trim()).toBe("1,128");
});
