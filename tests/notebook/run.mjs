// The widget in JupyterLab, in headless Chromium: a notebook is run, a picture is chosen and labels are
// given by hand, and what Python has of it is compared with numpy.
//
//     node tests/notebook/run.mjs
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

import { jupyter, work } from "./environment.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const SOON = 120_000;

/** A server of JupyterLab in a folder of its own, and its address. */
async function lab(program) {
  const folder = join(work, "notebooks");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(here, "kith.ipynb"), join(folder, "kith.ipynb"));
  const own = ["config", "data", "runtime"].map((name) => [
    `JUPYTER_${name.toUpperCase()}_DIR`,
    join(work, "jupyter", name),
  ]);
  const given = {
    ...Object.fromEntries(own),
    IPYTHONDIR: join(work, "jupyter/ipython"),
    KITH_PICTURES: join(root, "examples/pictures"),
    KITH_CHECKPOINT: join(root, "www/public/networks/trained.safetensors"),
  };
  const words = ["lab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root"];
  // Neither news nor extensions are asked for elsewhere.
  const quiet = [
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
  ];
  const server = spawn(program, [...words, ...quiet], {
    cwd: folder,
    env: { ...process.env, ...given },
  });
  return { server, url: await addressOf(server) };
}

function addressOf(server) {
  return new Promise((resolve, reject) => {
    let said = "";
    server.stderr.on("data", (text) => {
      said += text;
      const [url] = said.match(/http:\/\/127\.0\.0\.1:\d+\/lab\?token=\w+/) ?? [];
      if (url) resolve(url.replace("/lab?", "/lab/tree/kith.ipynb?"));
    });
    server.on("error", reject);
    server.on("exit", (code) => reject(new Error(`JupyterLab ended (${code})\n${said}`)));
  });
}

/** Runs a cell of the open notebook. */
async function runCell(page, place) {
  const cell = page.locator(".jp-Notebook .jp-CodeCell").nth(place);
  await cell.locator(".cm-content").click();
  await page.keyboard.press("Control+Enter");
  return cell;
}

/** What a cell printed as JSON after a word. */
async function printed(page, place, word) {
  const output = (await runCell(page, place)).locator(".jp-OutputArea-output");
  await output.filter({ hasText: word }).first().waitFor({ timeout: SOON });
  return JSON.parse((await output.first().innerText()).replace(`${word} `, ""));
}

async function neighbours(page) {
  await runCell(page, 0);
  const element = page.locator("kith-neighbours");
  await element.getByRole("option").nth(11).waitFor({ timeout: SOON });
  await element.getByText("Choose a picture").first().waitFor({ timeout: SOON });
  await element.getByRole("option").nth(2).click();
  await element.locator("[part=cosine]").nth(2).waitFor({ timeout: SOON });
  await element.screenshot({ path: join(work, "neighbours.png") });
  const got = await printed(page, 1, "NEAR");
  assert.equal(got.selected, 2);
  assert.equal(got.found[0].place, 3, "the other vendor's dog");
  assert.deepEqual(
    got.found.map(({ place }) => place),
    got.expected.map(({ place }) => place),
  );
  got.found.forEach(({ cosine }, i) => assert.ok(Math.abs(cosine - got.expected[i].cosine) < 1e-5));
  assert.deepEqual([got.shape, got.dtype], [[13, 64], "float32"]);
  assert.ok(got.lengths.every((length) => Math.abs(length - 1) < 1e-5));
  assert.ok(got.missing, "NaN for the picture that is none");
  assert.match(got.errors.join(), /IMAGE_DECODE: picture 12: /);
  await element.getByText("Most like “broccoli-google.png”").first().waitFor({ timeout: SOON });
}

async function probe(page) {
  await runCell(page, 2);
  const element = page.locator("kith-probe");
  await element.getByText("of 4 pictures, each predicted").first().waitFor({ timeout: SOON });
  await element.getByRole("option", { name: "soccer-ball-google.png" }).click();
  await element.getByRole("button", { name: "animal, 2 pictures" }).click();
  await element.getByRole("option", { name: "sunflower-google.png" }).press("1");
  await element.getByText("of 6 pictures, each predicted").first().waitFor({ timeout: SOON });
  await element.screenshot({ path: join(work, "probe.png") });
  const got = await printed(page, 3, "LEARN");
  const animals = ["animal", "animal", "animal"];
  const expected = ["plant", "plant", ...animals, null, "plant", ...Array(5).fill(null)];
  assert.deepEqual(got.labels, expected);
  assert.equal(
    await page.locator(".jp-Notebook .jp-CodeCell").count(),
    4,
    "no key was the notebook's",
  );
  assert.deepEqual(
    [got.classes, got.shape],
    [
      ["animal", "plant"],
      [12, 2],
    ],
  );
  assert.ok(got.sums.every((sum) => Math.abs(sum - 1) < 1e-5));
  assert.ok(got.accuracy >= 0 && got.accuracy <= 1);
  assert.equal(got.on, "cross-validation");
  assert.ok(got.probe > 8, "the probe is a file");
  assert.equal(got.near, 0, "what Python chose");
}

async function inChromium(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  const page = await browser.newPage({ viewport: { width: 1200, height: 1400 } });
  const [said, elsewhere] = [[], []];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  const { origin } = new URL(url);
  page.on("request", (request) => {
    const asked = request.url();
    if (!/^(data|blob):/.test(asked) && new URL(asked).origin !== origin) elsewhere.push(asked);
  });
  try {
    await page.goto(url);
    await page.locator(".jp-Notebook .jp-CodeCell").nth(3).waitFor({ timeout: SOON });
    await neighbours(page);
    await probe(page);
    assert.deepEqual(elsewhere, [], "nothing is asked for but from the notebook's server");
  } catch (error) {
    await page.screenshot({ path: join(work, "failed.png") });
    throw new Error(`${error}\n${said.slice(-20).join("\n")}\nsee ${work}/failed.png`, {
      cause: error,
    });
  } finally {
    await browser.close();
  }
}

if (!existsSync(join(root, "web/dist/elements.js"))) {
  console.error("expected web/dist/elements.js, found none: run `make web` first");
  process.exit(1);
}
const program = jupyter();
if (!program) {
  console.log("LEFT OUT, because there is no Python 3.10 with venv: the widget in JupyterLab");
  process.exit(0);
}
const { server, url } = await lab(program);
try {
  await inChromium(url);
  console.log("ok      neighbours and probe in JupyterLab");
} finally {
  server.removeAllListeners("exit");
  server.kill();
}
