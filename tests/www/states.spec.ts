// Errors appear where they happen, long work can be cancelled, and saved work opens again.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addPictures, expect, load, userPicture, test } from "./visit.js";

test("a failed download shows an error with a next step and diagnostics", async ({ visit }) => {
  const { page, expected } = visit;
  expected.push(/404/, /ERR_FAILED|Failed to load/);
  await page.route(/\.wasm$/, (route) => route.fulfill({ status: 404, body: "gone" }));
  await visit.open("neighbours");
  await page.getByRole("button", { name: /^Load the network/ }).click();
  const trouble = page.locator(".error-box");
  await expect(trouble).toContainText("HTTP 404");
  await trouble.getByText("Diagnostics", { exact: true }).click();
  const told = JSON.parse((await trouble.locator("pre").textContent())!) as Record<string, unknown>;
  expect(told["code"]).toBe("WASM_FETCH");
  expect(told["device"]).toMatchObject({ actual: "cpu" });
  await visit.accessible("an error");
  await page.unroute(/\.wasm$/);
  await trouble.getByRole("button", { name: "Try again" }).click();
  await expect(page.locator("#device")).toContainText("Computing on", { timeout: 30_000 });
});

test("loading shows its progress, and can be cancelled", async ({ visit }) => {
  const { page } = visit;
  let go = (): void => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route(/trained\.safetensors$/, async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  await visit.open("neighbours");
  await page.getByRole("button", { name: /^Load the network/ }).click();
  const bar = page.getByRole("progressbar");
  await expect(bar).toHaveAttribute("aria-valuenow", /\d/);
  await expect(page.locator(".progress")).toContainText(/MB|kB/);
  await visit.accessible("loading");
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Cancelled.").first()).toBeVisible();
  go();
});

test("the device can be chosen, and the choice is in the address", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await expect(page.locator("#device")).toContainText(
    "on the CPU, because the browser found no graphics card",
  );
  await page.getByLabel("Compute with").selectOption("cpu");
  await expect(page.locator("#device")).toContainText("because you chose it");
  expect(page.url()).toContain("device=cpu");
  await page.getByLabel("Compute with").selectOption("webgpu");
  await expect(page.locator("#device")).toContainText("Cannot compute on WebGPU");
});

test("the camera starts, takes pictures and stops; without permission it says so", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("neighbours");
  await load(page);
  await page.getByRole("button", { name: "Camera", exact: true }).click();
  await expect(page.locator("video")).toBeVisible();
  await page.getByRole("button", { name: "Take a picture, or hold" }).click();
  await expect(page.locator(".query strong")).toHaveText("camera", { timeout: 15_000 });
  await page.getByRole("button", { name: "Stop the camera" }).click();
  await expect(page.locator("video")).toHaveCount(0);
  await page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException("", "NotAllowedError"));
  });
  await page.getByRole("button", { name: "Camera", exact: true }).click();
  await expect(page.locator(".error-box")).toContainText("not allowed");
});

test("the user's work is saved in one file, and opened again", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await load(page);
  await addPictures(page, [await userPicture(page, "teal")]);
  await expect(page.locator(".query strong")).toHaveText("teal");
  await page.getByRole("link", { name: "Checkpoint" }).click();
  const saved = async (name: string | RegExp) => {
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name }).click();
    return (await coming).path();
  };
  const project = await saved("All of your work, with your pictures");
  const rows = await saved("Embeddings as .npy");
  const header = readFileSync(rows).subarray(0, 128).toString("latin1");
  expect(header).toContain("'shape': (3673, 128)");
  await page.reload();
  await page.waitForSelector("main > .panel");
  await page.locator('a[data-panel="probe"]').click();
  await page.getByLabel("Your own classes").check();
  await page.getByRole("button", { name: "Forget my pictures" }).click();
  await page.getByRole("button", { name: "Yes, forget them" }).click();
  await page.locator('a[data-panel="checkpoint"]').click();
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Open saved work" }).click();
  await (
    await chooser
  ).setFiles({ name: "p.safetensors", mimeType: "", buffer: readFileSync(project) });
  await page.getByRole("link", { name: "Neighbours" }).click();
  const found = page.locator(".picker .cell");
  await page.getByLabel("Search pictures by name").fill("teal");
  await expect(found).toHaveCount(1);
  // Opened again, the same picture is no second one.
  await page.getByRole("link", { name: "Checkpoint" }).click();
  const again = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Open saved work" }).click();
  await (await again).setFiles(project);
  await expect(page.locator(".progress")).toHaveCount(0);
  await page.getByRole("link", { name: "Neighbours" }).click();
  await page.getByLabel("Search pictures by name").fill("teal");
  await expect(found).toHaveCount(1);
});

test("the skip link moves the focus, and nothing else", async ({ visit }) => {
  const { page } = visit;
  await visit.open("map");
  await page.keyboard.press("Tab");
  await expect(page.locator(".skip")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await expect(page.locator("main > .map")).toBeVisible();
});

test("too few pictures to train on are an error", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn");
  await page.getByRole("combobox", { name: "Pictures" }).selectOption("own");
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".error-box")).toContainText("there are 0");
  await visit.accessible("learn, too few");
});

test("UMAP can be cancelled, and the map stays", async ({ visit }) => {
  const { page } = visit;
  await visit.open("map?colour=category");
  await expect(page.locator(".map-legend li")).toHaveCount(9);
  await page.getByRole("button", { name: /^UMAP/ }).click();
  await expect(page.getByRole("progressbar")).toHaveAttribute("aria-valuenow", /\d/, {
    timeout: 30_000,
  });
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByText("Cancelled.").first()).toBeVisible();
  await expect(page.locator(".map-legend li")).toHaveCount(9);
});

test("pictures can be dropped anywhere on the page", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await load(page);
  const { buffer } = await userPicture(page, "green");
  const dropped = await page.evaluateHandle(
    (bytes) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], "green.png", { type: "image/png" }));
      return transfer;
    },
    [...buffer],
  );
  await page.dispatchEvent("main", "drop", { dataTransfer: dropped });
  await expect(page.locator(".query strong")).toHaveText("green");
});

test("buttons are large enough for a finger", async ({ visit }) => {
  const { page } = visit;
  await page.setViewportSize({ width: 360, height: 740 });
  for (const panel of ["neighbours", "probe", "map", "checkpoint", "learn", "label", "clean"]) {
    await visit.open(panel);
    await page.waitForTimeout(400);
    const small = await page.evaluate(() =>
      [
        ...document.querySelectorAll(
          "button, select, nav a, summary, input:not([type=checkbox], [type=radio], [hidden])",
        ),
      ]
        .map((own) => ({ own, box: own.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && (box.height < 44 || box.width < 43))
        .map(({ own, box }) => `${own.outerHTML.slice(0, 80)} ${box.width} x ${box.height}`),
    );
    expect(small, panel).toEqual([]);
  }
});

test("the Python snippet loads the exported files", async ({ visit }) => {
  const python = numpy();
  test.skip(python === "", "there is no Python with numpy and safetensors (see make setup)");
  const { page } = visit;
  await visit.open("probe?perclass=2");
  await page.getByRole("button", { name: "Train a linear probe" }).click();
  await expect(page.getByText("By the linear probe")).toBeVisible({ timeout: 40_000 });
  await page.getByRole("link", { name: "Checkpoint" }).click();
  const folder = mkdtempSync(join(tmpdir(), "kith-page-"));
  for (const [name, words] of [
    ["embeddings.npy", "Embeddings as .npy"],
    ["probe.safetensors", "The probe"],
  ] as const) {
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: words, exact: true }).click();
    copyFileSync(await (await coming).path(), join(folder, name));
  }
  const snippet = (await page.locator(".snippets pre").last().textContent())!;
  const said = execFileSync(python, ["-c", snippet], { cwd: folder, encoding: "utf8" });
  expect(said.match(/'[^']+'/g), said).toHaveLength(10);
});

/** A Python that has what the snippet needs, or "". */
function numpy(): string {
  const has = fileURLToPath(new URL("../../.ci/has", import.meta.url));
  try {
    return execFileSync(has, ["numpy"], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}
