// The user's own pictures: they load the network by themselves, are sorted, are kept, and are forgotten.
import type { Page } from "@playwright/test";
import { addPictures, expect, load, test, userPicture } from "./visit.js";

/** Some pictures of each colour, of different shades. */
async function pictures(page: Page, colours: readonly string[]) {
  const shades = ["", "light", "dark"];
  const all = colours.flatMap((colour) => shades.map((shade) => shade + colour));
  return Promise.all(all.map((colour) => userPicture(page, colour)));
}

/** What the browser keeps, by key: labels themselves, of pictures their names. */
const kept = (page: Page): Promise<Record<string, string>> =>
  page.evaluate(async () => {
    const opened = indexedDB.open("kith-pictures");
    await new Promise((done) => (opened.onsuccess = done));
    const store = opened.result.transaction("pictures").objectStore("pictures");
    const [keys, values] = [store.getAllKeys(), store.getAll()];
    await new Promise((done) => (store.transaction.oncomplete = done));
    opened.result.close();
    const told = (values.result as (string | { name: string })[]).map((value) =>
      typeof value === "string" ? value : value.name,
    );
    return Object.fromEntries(keys.result.map((key, at) => [String(key), told[at]!]));
  });

test("pictures of one's own load the network by themselves, and the progress is seen", async ({
  visit,
}) => {
  const { page } = visit;
  let go = (): void => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route(/trained\.safetensors$/, async (route) => {
    await held;
    await route.continue();
  });
  await visit.open("neighbours");
  await addPictures(page, [await userPicture(page)]);
  await expect(page.getByRole("progressbar")).toHaveAttribute("aria-valuenow", /\d/);
  await visit.accessible("own pictures, loading");
  go();
  await expect(page.locator(".query strong")).toHaveText("red", { timeout: 40_000 });
  await expect(page.locator("#device")).toContainText("Computing on");
  await expect(page.locator(".comparison .grid")).toHaveCount(2);
});

test("pasted pictures and the camera load it too", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  const { buffer } = await userPicture(page, "green");
  await page.evaluate(
    (bytes) => {
      const clipboardData = new DataTransfer();
      const file = new File([new Uint8Array(bytes)], "green.png", { type: "image/png" });
      clipboardData.items.add(file);
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    },
    [...buffer],
  );
  await expect(page.locator(".query strong")).toHaveText("green", { timeout: 40_000 });
  await page.reload();
  await page.getByRole("button", { name: "Camera", exact: true }).click();
  await page.getByRole("button", { name: "Take a picture, or hold" }).click();
  await expect(page.locator(".query strong")).toHaveText("camera", { timeout: 40_000 });
});

test("pictures that are dropped on a panel without a place for them open in Neighbours", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("map?colour=category");
  const { buffer } = await userPicture(page, "green");
  const dataTransfer = await page.evaluateHandle(
    (bytes) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], "green.png", { type: "image/png" }));
      return transfer;
    },
    [...buffer],
  );
  await page.dispatchEvent("main", "drop", { dataTransfer });
  await expect(page.locator("main > .neighbours")).toBeVisible();
  await expect(page.locator(".query strong")).toHaveText("green", { timeout: 40_000 });
});

test("who saves data is asked first", async ({ visit, context }) => {
  const { page } = visit;
  const devtools = await context.newCDPSession(page);
  await devtools.send("Emulation.setDataSaverOverride", { dataSaverEnabled: true });
  const large: string[] = [];
  page.on("request", (request) => {
    if (/wasm|safetensors/.test(request.url())) large.push(request.url());
  });
  await visit.open("neighbours");
  await addPictures(page, [await userPicture(page)]);
  await expect(page.getByText("Your browser asks pages to save data")).toBeVisible();
  await visit.accessible("own pictures, data saved");
  expect(large).toEqual([]);
  await page.getByRole("button", { name: /^Download it \(\d/ }).click();
  await expect(page.locator(".query strong")).toHaveText("red", { timeout: 40_000 });
});

test("three clicks from opening to one's own pictures, sorted; a name makes a group a class", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("neighbours");
  await addPictures(page, await pictures(page, ["green", "blue"])); // The first click, and the dialog's.
  await page.getByRole("button", { name: "Sort my pictures" }).click(); // The third.
  const groups = page.locator(".group");
  await expect(groups).toHaveCount(2, { timeout: 40_000 });
  const pictured = await groups.locator(".cell").count();
  expect(pictured, "every picture is in one group").toBe(6);
  await expect(groups.first().locator("legend")).toContainText("Group 1");
  await visit.accessible("own pictures, sorted");
  for (const [place, name] of ["meadows", "seas"].entries()) {
    const input = groups.nth(place).getByRole("textbox");
    await input.fill(name);
    await input.press("Enter");
    await expect(groups.nth(place).locator("legend")).toContainText(name);
  }
  await page.getByRole("button", { name: "Teach a probe these classes" }).click();
  await expect(page.locator(".classes legend")).toContainText(["meadows", "seas"]);
  await page.getByRole("button", { name: "Train a linear probe" }).click();
  await expect(page.getByText("By the linear probe")).toBeVisible({ timeout: 30_000 });
});

test("pictures, labels and groups are there after a reload, and are forgotten when asked", async ({
  visit,
}) => {
  const { page } = visit;
  await visit.open("neighbours");
  await addPictures(page, await pictures(page, ["green", "blue"]));
  await page.getByRole("button", { name: "Sort my pictures" }).click();
  const first = page.locator(".group").first();
  await first.getByRole("textbox").fill("meadows", { timeout: 40_000 });
  await first.getByRole("textbox").press("Enter");
  await expect(first.locator("legend")).toContainText("meadows");
  await expect(page.locator(".kept")).toContainText("keeps your 6 pictures");
  await page.reload();
  await expect(page.locator(".group")).toHaveCount(2, { timeout: 40_000 });
  await expect(page.locator(".group legend").first()).toContainText("meadows");
  await page.locator('a[data-panel="probe"]').click();
  await page.getByLabel("Your own classes").check();
  await expect(page.locator(".classes legend")).toContainText(["meadows"]);
  await page.getByRole("button", { name: "Forget my pictures" }).click();
  await expect(page.getByRole("button", { name: "No, keep them" })).toBeFocused();
  await page.getByRole("button", { name: "Yes, forget them" }).click();
  await expect(page.locator(".classes .cell")).toHaveCount(0);
  expect(await kept(page)).toEqual({});
  await page.reload();
  await expect(page.locator(".kept")).toBeHidden();
});

test("a saved run that has pictures of one's own is forgotten with them", async ({ visit }) => {
  const { page } = visit;
  await visit.open("learn?steps=75&batch=32&pictures=own&recipe=quick");
  await expect(page.getByRole("combobox", { name: "Pictures" })).toHaveValue("own");
  const colours = Array.from({ length: 32 }, (_, place) => `hsl(${11 * place} 80% 50%)`);
  await addPictures(page, await Promise.all(colours.map((colour) => userPicture(page, colour))));
  await expect(page.getByText("32 pictures so far")).toBeVisible();
  await page.getByRole("button", { name: /^Start learning/ }).click();
  await expect(page.locator(".numbers")).toContainText(/[1-9] of 75/, { timeout: 60_000 });
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("button", { name: "Resume" })).toBeVisible();
  await page.reload();
  await expect(page.getByText("was saved at step")).toBeVisible();
  await expect(page.getByText("32 pictures so far"), "they are kept").toBeVisible();
  await page.getByRole("button", { name: "Forget my pictures" }).click();
  await page.getByRole("button", { name: "Yes, forget them" }).click();
  await expect(page.getByText("0 pictures so far")).toBeVisible();
  await expect(page.getByText("was saved at step")).toHaveCount(0);
  await page.reload();
  await expect(page.getByText("0 pictures so far")).toBeVisible();
  await expect(page.getByText("was saved at step")).toHaveCount(0);
});

test("a label is stored before it is shown", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await addPictures(page, await pictures(page, ["green"]));
  await page.getByRole("button", { name: "Sort my pictures" }).click();
  await expect(page.locator(".group")).toHaveCount(2, { timeout: 40_000 });
  // What is stored at the moment when the name appears.
  await page.evaluate(() => {
    const legend = document.querySelector(".group legend")!;
    const known = new Promise<string[]>((resolve) => {
      new MutationObserver(() => {
        const opened = indexedDB.open("kith-pictures");
        opened.onsuccess = () => {
          const all = opened.result.transaction("pictures").objectStore("pictures").getAll();
          all.onsuccess = () => resolve(all.result.filter((value) => typeof value === "string"));
        };
      }).observe(legend, { childList: true, characterData: true, subtree: true });
    });
    Object.assign(window, { known });
  });
  const count = await page.locator(".group").first().locator(".cell").count();
  await page.locator(".group input").first().fill("leaves");
  await page.locator(".group input").first().press("Enter");
  const stored = await page.evaluate(
    () => (window as unknown as { known: Promise<string[]> }).known,
  );
  expect(stored).toEqual(Array.from({ length: count }, () => "leaves"));
});

test("a full storage says so, and everything else goes on", async ({ visit, context }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await load(page);
  const devtools = await context.newCDPSession(page);
  const { origin } = new URL(page.url());
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
  await addPictures(page, [await userPicture(page, "teal")]);
  await expect(page.locator(".query strong")).toHaveText("teal");
  const line = page.locator(".kept");
  await expect(line).toContainText("does not keep your 1 picture");
  await expect(line).toContainText("storage for this page is full");
  await visit.accessible("own pictures, a full storage");
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  await page.getByRole("button", { name: "Try to keep them again" }).click();
  await expect(line).toContainText("keeps your 1 picture");
  expect(Object.values(await kept(page))).toEqual(["teal"]);
});

test("a browser that stores nothing says so, and everything else goes on", async ({ visit }) => {
  const { page } = visit;
  await page.addInitScript(() => {
    indexedDB.open = () => {
      throw new DOMException("A mutation operation was attempted", "InvalidStateError");
    };
  });
  await visit.open("neighbours");
  await addPictures(page, await pictures(page, ["green"]));
  await page.getByRole("button", { name: "Sort my pictures" }).click();
  await expect(page.locator(".group")).toHaveCount(2, { timeout: 40_000 });
  await page.locator(".group input").first().fill("leaves");
  await page.locator(".group input").first().press("Enter");
  await expect(page.locator(".group legend").first()).toContainText("leaves");
  await expect(page.locator(".kept")).toContainText("private windows");
});

test("files that are no pictures are named and left out", async ({ visit }) => {
  const { page } = visit;
  await visit.open("neighbours");
  await addPictures(page, [{ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") }]);
  await expect(page.getByRole("alert")).toContainText("This file is no picture");
  const broken = { name: "broken.png", mimeType: "image/png", buffer: Buffer.from("no png") };
  await addPictures(page, [await userPicture(page, "teal"), broken]);
  await expect(page.getByRole("alert")).toContainText("could not read “broken”", {
    timeout: 40_000,
  });
  await expect(page.locator(".query strong")).toHaveText("teal");
  await expect(page.locator(".sorting .cell")).toHaveCount(1);
});
