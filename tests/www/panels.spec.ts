// Every panel, before and after the network is loaded, on a desktop and on a phone.
import { execFileSync } from "node:child_process";
import { addPictures, expect, load, userPicture, PANELS, test } from "./visit.js";

test("neighbours are there before anything is loaded, and the arrow keys walk among them", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("neighbours");
  await expect(page.locator(".comparison .grid")).toHaveCount(2);
  await expect(page.locator(".comparison .grid .cell")).toHaveCount(16);
  await expect(page.locator(".comparison .grid .cell .swatch")).toHaveCount(16);
  const asked = page.locator(".query strong");
  const before = await asked.textContent();
  const [first, second] = [0, 1].map((place) => page.locator(".picker .cell").nth(place));
  await first!.focus();
  await page.keyboard.press("ArrowRight");
  await expect(second!).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(asked).not.toHaveText(before!);
  expect(new URL(page.url()).hash).toMatch(/picture=g\d+/);
  await visit.accessible("neighbours, nothing loaded");
});

test("a user's picture finds neighbours once the network is loaded", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await addPictures(page, [await userPicture(page)]);
  await load(page);
  await expect(page.locator(".query strong")).toHaveText("red");
  await expect(page.locator(".comparison .grid").first().locator(".cell")).toHaveCount(8);
  await expect(page.locator(".support li"), "SimCLR keeps no support set").toHaveCount(0);
  expect(page.url()).not.toContain("picture=y");
  await visit.accessible("neighbours of a user's picture");
});

test("a picture's nearest rows of a support set are told", async ({ visit }) => {
  const { page } = visit;
  const file = test.info().outputPath("nnclr.safetensors");
  const root = new URL("../../", import.meta.url).href;
  const program = `import { pretrain } from "${root}web/dist/node.js";
    import { pictures, small } from "${root}tests/web/made.mjs";
    import { writeFileSync } from "node:fs";
    const labels = pictures(16).map((_, place) => (place % 2 ? "odd" : "even"));
    const run = await pretrain(pictures(16), { ...small, labels });
    for await (const _ of run.steps());
    writeFileSync(${JSON.stringify(file)}, await run.checkpoint());
    process.exit(0);`;
  execFileSync(process.execPath, ["--input-type=module", "-e", program]);
  await visit.open("checkpoint");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "From a file" }).click();
  await (await chooser).setFiles(file);
  await expect(page.locator(".card")).toContainText("NNCLR", { timeout: 60_000 });
  await page.getByRole("link", { name: "Neighbours" }).click();
  await addPictures(page, [await userPicture(page)]);
  await expect(page.locator(".support li")).toHaveCount(3, { timeout: 60_000 });
});

test("what an address asks for and cannot have is told, in every panel", async ({ visit }) => {
  const { page } = visit;
  const refused = page.locator("#refused");
  for (const [address, words] of [
    ["learn?steps=9999&batch=4&recipe=minutes", ["steps=9999", "1 to 6000", "batch=4", "8 to 256"]],
    ["learn?recipe=minutes", ["recipe=minutes", "keras-simclr"]],
    ["neighbours?picture=g99999", ["picture=g99999", "gallery"]],
    ["clean?clean=mine", ["clean=mine", "own, gallery"]],
    ["map?colour=red&device=gpu", ["colour=red", "device=gpu", "auto, webgpu, cpu"]],
    ["maps", ["no panel “maps”", "neighbours, augmentations"]],
  ] as const) {
    // Which device computes is read once, as the page opens.
    await page.goto("about:blank");
    await visit.open(address);
    for (const word of words) await expect(refused, address).toContainText(word);
  }
  await visit.accessible("an address that cannot be");
  await page.getByRole("link", { name: "Augmentations" }).click();
  await expect(page.locator(".panel.augmentations")).toBeVisible();
  await expect(refused).toHaveText("");
  await visit.open("augmentations?views=2.5&policy=strong");
  await load(page);
  for (const word of ["views=2.5", "2 to 8", "policy=strong", "byol"]) {
    await expect(refused).toContainText(word);
  }
  await page.goto("about:blank");
  await visit.open("learn?steps=20&batch=16&recipe=simclr");
  await expect(refused).toHaveText("");
});

test("augmentations follow their controls", async ({ visit }) => {
  const { page } = visit;
  await visit.open("augmentations?seed=5");
  await visit.accessible("augmentations, nothing loaded");
  await load(page);
  await expect(page.locator(".views canvas")).toHaveCount(7);
  await expect(page.locator(".similarities .positive")).toHaveCount(6);
  const pixels = () =>
    page
      .locator(".views canvas")
      .first()
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const before = await pixels();
  await page.getByRole("spinbutton", { name: "Seed" }).fill("6");
  await expect.poll(pixels).not.toBe(before);
  await page.getByRole("checkbox", { name: "Crop" }).uncheck();
  await expect(page.locator("main")).not.toContainText("how close an object is");
  await page.getByLabel("Policy").selectOption("fixmatch-strong");
  await expect(page.getByRole("slider", { name: "Changes" })).toHaveValue("3");
  await expect(page.locator("main")).toContainText("a few of 14 changes");
  const strong = await pixels();
  await page.getByRole("slider", { name: "Changes" }).fill("6");
  await expect.poll(pixels).not.toBe(strong);
  await visit.accessible("augmentations, loaded");
});

test("a probe votes before anything is loaded, trains, and is saved", async ({ visit }) => {
  const { page } = visit;
  await visit.open("probe?perclass=2");
  await expect(page.locator(".bars li")).toHaveCount(9);
  await visit.accessible("probe, nothing trained");
  await page.locator(".confusion button").first().click();
  await expect(page.locator(".opened .cell").first()).toBeVisible();
  await page.getByRole("button", { name: "Train a linear probe" }).click();
  await expect(page.getByText("By the linear probe")).toBeVisible({ timeout: 40_000 });
  await visit.accessible("probe, trained");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save it" }).click(),
  ]);
  expect(file.suggestedFilename()).toBe("probe.safetensors");
});

test("classes are added, and a warning appears if they are uneven", async ({ visit }) => {
  const { page } = visit;
  await visit.open("probe?labels=own");
  await load(page);
  for (const colour of ["red", "blue"]) {
    await page.getByRole("button", { name: "Add a class" }).click();
    const pictures = await Promise.all(
      Array.from({ length: colour === "red" ? 8 : 2 }, () => userPicture(page, colour)),
    );
    await addPictures(page, pictures);
    await expect(page.locator(".classes")).toContainText(`${pictures.length} pictures`);
  }
  await expect(page.getByText("The classes are uneven")).toBeVisible();
  await page.getByRole("button", { name: "Train a linear probe" }).click();
  await expect(page.getByText("By the linear probe")).toBeVisible({ timeout: 30_000 });
  await visit.accessible("probe, own classes");
});

test("the map shows all pictures, and the table has the same pictures", async ({ visit }) => {
  const { page } = visit;
  await visit.open("map?colour=category");
  await expect(page.locator(".map-legend li")).toHaveCount(9);
  await visit.accessible("map");
  await page.getByText("The map as a table").click();
  await expect(page.locator(".as-table tbody tr")).toHaveCount(100);
  await page.locator(".scatter-plot").focus();
  await page.keyboard.press("+");
  await page.getByRole("button", { name: "Lasso" }).click();
  const box = (await page.locator(".scatter-plot").boundingBox())!;
  const corners = [
    [0.2, 0.2],
    [0.8, 0.2],
    [0.8, 0.8],
    [0.2, 0.8],
  ] as const;
  const at = ([x, y]: readonly [number, number]) =>
    [box.x + x * box.width, box.y + y * box.height] as const;
  await page.mouse.move(...at(corners[0]));
  await page.mouse.down();
  for (const corner of corners.slice(1)) await page.mouse.move(...at(corner), { steps: 4 });
  await page.mouse.up();
  await expect(page.locator(".chosen h2")).toContainText("pictures selected");
  await visit.accessible("map, pictures chosen");
});

test("another checkpoint is opened from the list, and refused if it is none", async ({ visit }) => {
  const { page } = visit;
  await visit.open("checkpoint");
  await expect(page.locator(".card")).toContainText("SimCLR");
  await visit.accessible("checkpoint");
  const report = await page
    .getByRole("link", { name: "The report of its run" })
    .getAttribute("href");
  expect((await page.request.get(report!)).ok(), "the report is there").toBe(true);
  await page.getByRole("button", { name: /untrained/ }).click();
  await expect(page.locator(".card h2")).toHaveText("The untrained network");
  expect(page.url()).toContain("checkpoint=random");
  await page.getByLabel("Address of a checkpoint").fill("./gallery/emoji.txt");
  await page.getByRole("button", { name: "Open the address" }).click();
  await expect(page.locator(".error-box")).toContainText("That did not work", { timeout: 30_000 });
  await visit.accessible("checkpoint, refused");
  await page.getByLabel("Address of a checkpoint").fill("https://example.com/a.safetensors");
  await page.getByRole("button", { name: "Open the address" }).click();
  await expect(page.locator(".error-box")).toContainText("cannot load from other servers");
});

test("nothing is wider than the screen, however narrow", async ({ visit }) => {
  const { page } = visit;
  await page.setViewportSize({ width: 320, height: 640 });
  for (const panel of PANELS) {
    await visit.open(panel);
    await page.waitForTimeout(300);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(over, panel).toBeLessThanOrEqual(0);
  }
});

test("axe finds nothing in the dark either", async ({ visit }) => {
  const { page } = visit;
  await page.emulateMedia({ colorScheme: "dark" });
  for (const panel of PANELS) {
    await visit.open(panel);
    await page.waitForTimeout(800);
    await visit.accessible(`${panel}, dark`);
  }
});

test("the link of the open panel is in sight", async ({ visit }) => {
  const { page } = visit;
  await page.setViewportSize({ width: 320, height: 640 });
  for (const panel of PANELS) {
    await visit.open(panel);
    await expect(page.locator("#panels [aria-current]"), panel).toBeInViewport({ ratio: 0.95 });
  }
});
