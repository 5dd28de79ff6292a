// <kith-neighbours>, and what both elements have in common: states, errors, sharing, leaving.
import {
  CHECKPOINT,
  CHILDREN,
  SOON,
  accessible,
  expect,
  file,
  put,
  state,
  test,
  type KithNeighbours,
} from "./elements.js";

test.describe("with pictures", () => {
  test("neighbours are those of comparing all cosines, with their events", async ({ at }) => {
    const element = await put(at, "kith-neighbours", `src="${CHECKPOINT}" device="cpu" k="3"`);
    await state(element, "ready");
    await accessible(at, "ready");
    await element.getByRole("option", { name: "disc 20" }).click();
    await expect(element.getByRole("list").getByRole("button")).toHaveCount(3);
    await accessible(at, "with neighbours");
    const got = await element.evaluate((node) => {
      const { embeddings, neighbours, pictures, selected } = node as KithNeighbours;
      const query = pictures.findIndex(({ id }) => id === selected!.id);
      const cosine = (place: number) =>
        embeddings!.row(place).reduce((sum, x, i) => sum + x * embeddings!.row(query)[i]!, 0);
      const expected = pictures
        .map(({ name }, place) => ({ name, cosine: cosine(place) }))
        .filter((_, place) => place !== query)
        .sort((a, b) => b.cosine - a.cosine)
        .slice(0, 3);
      const found = neighbours.map(({ picture, cosine }) => ({ name: picture.name, cosine }));
      const last = events.at(-1)!;
      const names = [...new Set(events.map(({ name }) => name))];
      return { expected, found, names, last: last.detail["picture"] === selected, query };
    });
    expect(got.query).toBe(2);
    expect(got.found.map(({ name }) => name)).toEqual(got.expected.map(({ name }) => name));
    got.found.forEach(({ cosine }, i) => expect(cosine).toBeCloseTo(got.expected[i]!.cosine, 5));
    expect(got.last).toBe(true);
    const order = ["kith-state", "kith-ready", "kith-embeddings", "kith-neighbours"];
    expect(got.names).toEqual(order);
    const shown = await element.getByRole("list").getByRole("button").allInnerTexts();
    expect(shown).toEqual(got.found.map(({ cosine }) => cosine.toFixed(3)));
    await expect(element).toContainText("Computed on the CPU, because the page chose it.");
    await element.evaluate((node) => ((node as KithNeighbours).k = 5));
    await expect(element.getByRole("list").getByRole("button")).toHaveCount(5);
  });

  test("a keyboard is enough", async ({ at }) => {
    const element = await put(at, "kith-neighbours");
    await state(element, "ready");
    await at.keyboard.press("Tab");
    const focused = () =>
      element.evaluate((node) => {
        const active = node.shadowRoot!.activeElement!;
        const outline = getComputedStyle(active).outlineStyle;
        return `${active.querySelector("img")?.alt ?? active.textContent?.trim()} ${outline}`;
      });
    expect(await focused()).toBe("disc 0 solid");
    for (const [key, name] of [
      ["ArrowRight", "square 0"],
      ["End", "square 240"],
      ["ArrowRight", "square 240"],
      ["Home", "disc 0"],
    ] as const) {
      await at.keyboard.press(key);
      expect(await focused(), key).toBe(`${name} solid`);
    }
    await at.keyboard.press("ArrowDown");
    const below = await focused();
    expect(below).not.toBe("disc 0 solid");
    await at.keyboard.press("ArrowUp");
    expect(await focused()).toBe("disc 0 solid");
    await at.keyboard.press("Enter");
    await expect(element.getByRole("status")).toContainText("Most like “disc 0”");
    await expect(element.getByRole("option", { selected: true })).toHaveCount(1);
    await at.keyboard.press("Tab");
    expect(await focused()).toBe("Add pictures solid");
    await at.keyboard.press("Tab");
    const neighbour = (await focused()).replace(" solid", "");
    await at.keyboard.press("Enter");
    await expect(element.getByRole("status")).toContainText(`Most like “${neighbour}”`);
  });

  test("files are chosen, dropped, and taken away again", async ({ at }) => {
    const element = await put(at, "kith-neighbours", undefined, "");
    await state(element, "empty");
    await accessible(at, "empty");
    await expect(element).toContainText("There are no pictures yet.");
    const files = [await file(at, 0, "disc"), await file(at, 20, "disc")];
    await element.locator("input").setInputFiles(files);
    await state(element, "ready");
    await expect(element.getByRole("option")).toHaveCount(2);
    await element.locator("[part=input]").evaluate(async (zone) => {
      const transfer = new DataTransfer();
      const canvas = document.createElement("canvas");
      const blob = await new Promise<Blob>((done) => canvas.toBlob((b) => done(b!)));
      transfer.items.add(new File([blob], "empty.png", { type: "image/png" }));
      transfer.items.add(new File(["no picture"], "letter.txt"));
      zone.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
    });
    await expect(element.getByRole("option")).toHaveCount(3, SOON);
    await expect(element.getByRole("alert")).toContainText("letter.txt: ");
    await accessible(at, "with a picture that failed");
    await element.getByRole("button", { name: "Remove letter.txt" }).click();
    await expect(element.getByRole("alert")).toHaveCount(0);
    await element.getByRole("button", { name: "Remove added pictures" }).click();
    await state(element, "empty");
    expect(await at.evaluate(() => urls.size)).toBe(0);
  });

  test("children come, change and go", async ({ at }) => {
    const element = await put(at, "kith-neighbours", undefined, '<img src="disc:0" alt="one">');
    await state(element, "ready");
    await expect(element).toContainText("There is nothing to compare with");
    await element.evaluate((node) => {
      const image = new Image();
      [image.src, image.alt] = [drawn(20, "disc"), "two"];
      node.append(image);
      node.querySelector("img")!.alt = "first";
    });
    await expect(element.getByRole("option", { name: "two" })).toBeVisible(SOON);
    await element.getByRole("option", { name: "first" }).click();
    await expect(element.getByRole("list").getByRole("button")).toHaveCount(1, SOON);
    await element.evaluate((node) => node.querySelector("img")!.remove());
    await expect(element.getByRole("option")).toHaveCount(1, SOON);
  });
});

test.describe("what goes wrong", () => {
  test.use({ wrong: /status of 404/ });

  test("an encoder that is not there is named, and tried again", async ({ at }) => {
    await at.route("**/checkpoint.safetensors", (route) => route.fulfill({ status: 404 }));
    const element = await put(at, "kith-neighbours");
    await state(element, "error");
    const alert = element.getByRole("alert");
    await expect(alert).toContainText("checkpoint.safetensors");
    await expect(alert).toContainText("CHECKPOINT_HTTP");
    await accessible(at, "error");
    const codes = () =>
      at.evaluate(() =>
        events
          .filter(({ name }) => name === "kith-error")
          .map(({ detail }) => (detail["error"] as { code: string }).code),
      );
    expect(await codes()).toEqual(["CHECKPOINT_HTTP"]);
    await at.unroute("**/checkpoint.safetensors");
    await element.getByRole("button", { name: "Try again" }).click();
    await state(element, "ready");
    await expect(alert).toHaveCount(0);
  });

  test("attributes that cannot be are refused in words", async ({ at }) => {
    const element = await put(at, "kith-neighbours", `src="${CHECKPOINT}" device="fast"`);
    await state(element, "error");
    await expect(element.getByRole("alert")).toContainText("expected auto or webgpu or cpu");
    await element.evaluate((node) => node.setAttribute("device", "webgpu"));
    await expect(element.getByRole("alert")).toContainText("NO_WEBGPU", SOON);
    await element.evaluate((node) => node.setAttribute("device", "auto"));
    await state(element, "ready");
    await expect(element).toContainText("because the browser found no graphics card");
    await element.evaluate((node) => node.setAttribute("k", "many"));
    await element.getByRole("option").first().click();
    await expect(element.getByRole("alert")).toContainText("a whole number of at least 1");
  });

  test("a picture that cannot be read does not stop the others", async ({ at }) => {
    const children = `${CHILDREN}<img src="/nothing.png" alt="nothing"><img alt="no address">`;
    const element = await put(at, "kith-neighbours", undefined, children);
    await state(element, "ready");
    await expect(element.getByRole("option")).toHaveCount(12);
    await expect(element.getByRole("alert")).toContainText("nothing: expected a picture at");
    await expect(element.getByRole("alert")).toContainText("no address: expected a src");
  });
});

test("loading is shown, and ends when the element leaves", async ({ at }) => {
  let answer = (): void => {};
  const asked = new Promise<void>((resolve) => (answer = resolve));
  await at.route("**/checkpoint.safetensors", () => answer()); // Never answered.
  const element = await put(at, "kith-neighbours");
  await asked;
  await state(element, "loading");
  await expect(element.getByRole("progressbar", { name: "Loading" })).toBeVisible();
  await accessible(at, "loading");
  await at.evaluate(() => show(""));
  await expect.poll(() => at.workers().length, SOON).toBe(0);
});

test("elements of one source share an encoder, which ends with the last", async ({ at }) => {
  let downloads = 0;
  at.on("request", (request) => {
    if (request.url().endsWith("checkpoint.safetensors")) downloads += 1;
  });
  const one = `src="${CHECKPOINT}" device="cpu" cache="none">${CHILDREN}`;
  await at.evaluate(
    (one) =>
      show(
        `<kith-neighbours ${one}</kith-neighbours><kith-neighbours ${one}</kith-neighbours>` +
          `<kith-probe ${one}</kith-probe>`,
      ),
    one,
  );
  for (const element of await at.locator("#here > *").all()) await state(element, "ready");
  expect(downloads).toBe(1);
  expect(at.workers().length).toBe(1);
  const same = await at.evaluate(() => {
    const [a, b] = document.querySelectorAll("kith-neighbours");
    return (
      a!.encoder === b!.encoder && a!.encoder === document.querySelector("kith-probe")!.encoder
    );
  });
  expect(same).toBe(true);
  await at.evaluate(() => document.querySelectorAll("kith-neighbours").forEach((e) => e.remove()));
  const left = at.locator("kith-probe");
  await left
    .locator("input[type=file]")
    .last()
    .setInputFiles(await file(at, 60, "disc"));
  await expect(left.locator("[part=prediction]")).toHaveCount(1, SOON);
  expect(at.workers().length).toBe(1);
  await at.evaluate(() => document.querySelector("kith-probe")!.remove());
  await expect.poll(() => at.workers().length, SOON).toBe(0);
  expect(await at.evaluate(() => urls.size)).toBe(0);
});

test("an element that is moved keeps its encoder; one that comes back loads anew", async ({
  at,
}) => {
  const element = await put(at, "kith-neighbours");
  await state(element, "ready");
  await element.locator("input").setInputFiles(await file(at, 60, "disc"));
  await expect(element.getByRole("option")).toHaveCount(13, SOON);
  await state(element, "ready");
  const kept = await element.evaluate(async (node) => {
    const { encoder } = node as KithNeighbours;
    document.body.append(node);
    await new Promise((resolve) => setTimeout(resolve, 200));
    return encoder === (node as KithNeighbours).encoder;
  });
  expect(kept).toBe(true);
  const away = await element.evaluateHandle((node) => (node.remove(), node));
  await expect.poll(() => at.workers().length, SOON).toBe(0);
  expect(await at.evaluate(() => urls.size)).toBe(0);
  await away.evaluate((node) => document.getElementById("here")!.append(node));
  await state(element, "ready");
  await expect(element.getByRole("option")).toHaveCount(13);
  const sizes = await element
    .getByRole("option")
    .last()
    .locator("img")
    .evaluate(async (image) => (await (image as HTMLImageElement).decode(), image.clientWidth));
  expect(sizes).toBeGreaterThan(0);
});

test("another src, pictures by script, and properties set before the tag was known", async ({
  at,
}) => {
  const element = await put(at, "kith-neighbours");
  await state(element, "ready");
  const fingerprint = () =>
    element.evaluate((node) => (node as KithNeighbours).embeddings!.encoderFingerprint);
  const before = await fingerprint();
  await element.evaluate((node) => node.setAttribute("src", "/parity/half.safetensors"));
  await expect.poll(fingerprint, SOON).not.toBe(before);
  await element.evaluate((node) => {
    (node as KithNeighbours).images = [
      drawn(60, "disc"),
      { source: drawn(80, "square"), name: "mine" },
    ];
  });
  await expect(element.getByRole("option")).toHaveCount(14, SOON);
  await expect(element.getByRole("option", { name: "mine" })).toBeVisible();
  const refused = await element.evaluate((node) => {
    try {
      (node as KithNeighbours).images = [7 as never];
    } catch (error) {
      return String(error);
    }
  });
  expect(refused).toContain("picture 0: expected an address");
  const early = await at.evaluate(async () => {
    const Known = customElements.get("kith-neighbours")!;
    const late = document.createElement("kith-late") as unknown as KithNeighbours;
    late.images = [drawn(10, "disc")];
    document.body.append(late);
    customElements.define("kith-late", class extends (Known as typeof HTMLElement) {});
    return [late.images.length, Object.keys(late).includes("images")];
  });
  expect(early).toEqual([1, false]);
});
