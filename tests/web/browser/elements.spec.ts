// <kith-neighbours>, and what goes wrong in either element.
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
    const dropped = await element.locator("section").evaluate((frame) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["no picture"], "other.txt"));
      const event = new DragEvent("drop", { dataTransfer: transfer, cancelable: true });
      return frame.dispatchEvent(event);
    });
    expect(dropped, "the browser does not open it in the page's place").toBe(false);
    await element.getByRole("button", { name: "Remove other.txt" }).click();
    await expect(element.getByRole("alert")).toContainText("letter.txt: ");
    await accessible(at, "with a picture that failed");
    await element.getByRole("button", { name: "Remove letter.txt" }).click();
    await expect(element.getByRole("alert")).toHaveCount(0);
    await element.getByRole("option").first().click();
    await expect(element.getByRole("list").getByRole("button")).toHaveCount(2);
    await element.getByRole("button", { name: "Remove added pictures" }).click();
    await state(element, "empty");
    await expect(element.getByRole("list").getByRole("button")).toHaveCount(0);
    await expect(element.getByRole("button")).toHaveCount(1);
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
