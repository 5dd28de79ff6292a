// <kith-probe>: labels, what is learnt from them and how well, and what it says of other pictures.
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
  type Kith,
  type KithProbe,
} from "./elements.js";

test("it learns from its children, says how well, and classifies", async ({ at }) => {
  const element = await put(at, "kith-probe");
  await state(element, "ready");
  await accessible(at, "trained");
  const { right, all, on } = await element.evaluate((node) => {
    const { accuracy, measuredOn, perClass } = (node as KithProbe).probe!.report;
    const all = perClass.reduce((sum, { count }) => sum + count, 0);
    return { right: Math.round(accuracy * all), all, on: measuredOn };
  });
  expect([all, on]).toEqual([12, "cross-validation"]);
  await expect(element).toContainText(
    `${right} of 12 pictures, each predicted by a probe that had`,
  );
  const chosen = [await file(at, 60, "disc"), await file(at, 180, "square")];
  await element.locator("input[type=file]").last().setInputFiles(chosen);
  await expect(element.locator("[part=prediction]")).toHaveCount(2, SOON);
  await accessible(at, "with answers");
  const sums = await element.evaluate((node) =>
    (node as KithProbe).predictions.map(({ picture, shares }) => ({
      name: picture.name,
      labels: shares.map(({ label }) => label).sort(),
      sum: shares.reduce((sum, { probability }) => sum + probability, 0),
    })),
  );
  expect(sums.map(({ name }) => name)).toEqual(["square 180.png", "disc 60.png"]);
  for (const { labels, sum } of sums) {
    expect(labels).toEqual(["disc", "square"]);
    expect(sum).toBeCloseTo(1, 5);
  }
  const events = await at.evaluate(() => [...new Set(globalThis.events.map(({ name }) => name))]);
  expect(events.slice(-2)).toEqual(["kith-probe", "kith-prediction"]);
});

test("its probe is that of the package: saved, loaded, and given to another", async ({ at }) => {
  const element = await put(at, "kith-probe", `src="${CHECKPOINT}" device="cpu"`);
  await state(element, "ready");
  const [download] = await Promise.all([
    at.waitForEvent("download"),
    element.getByRole("button", { name: "Save the probe" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("probe.safetensors");
  const got = await element.evaluate(async (node, script) => {
    const kith = (await import(script)) as typeof Kith;
    const { probe, encoder } = node as KithProbe;
    const loaded = await kith.LinearProbe.load(probe!.save(), { encoder: encoder! });
    const picture = new Image();
    picture.src = drawn(60, "disc");
    await picture.decode();
    const direct = loaded.predict(await encoder!.embed(picture))[0];
    const [asked] = await (node as KithProbe).classify([drawn(60, "disc")]);
    return { direct, asked: asked!.shares, own: probe instanceof kith.LinearProbe };
  }, "/dist/index.js");
  expect(got.own, "one module of the package").toBe(true);
  expect(got.asked).toEqual(got.direct);
  const other = await element.evaluate(async (node) => {
    const { probe } = node as KithProbe;
    const other = document.createElement("kith-probe") as KithProbe;
    for (const { name, value } of node.attributes) other.setAttribute(name, value);
    other.probe = probe;
    const ready = new Promise((resolve) => other.addEventListener("kith-ready", resolve));
    document.body.append(other);
    await ready;
    return (await other.classify([drawn(60, "disc")]))[0]!.shares;
  });
  expect(other).toEqual(got.direct);
});

test("labels by button, by key, by file and by new class", async ({ at }) => {
  const children = [0, 20, 120, 140].map((hue) => `<img src="disc:${hue}" alt="disc ${hue}">`);
  const attributes = `src="${CHECKPOINT}" device="cpu" labels="warm, cold"`;
  const element = await put(at, "kith-probe", attributes, children.join(""));
  await state(element, "ready");
  await expect(element).toContainText("pictures of at least two classes; there are pictures of 0");
  const labels = () => element.evaluate((node) => (node as KithProbe).labels);
  await element.getByRole("option", { name: "disc 0" }).click();
  await element.getByRole("button", { name: "warm, 0 pictures" }).click();
  await expect(element.getByRole("option", { selected: true })).toContainText("no class yet");
  await element.getByRole("button", { name: "warm, 1 picture" }).click();
  await element.getByRole("option", { name: "disc 120" }).press("2");
  await element.getByRole("option", { name: "disc 140" }).press("2");
  expect(await labels()).toEqual(["warm", "warm", "cold", "cold"]);
  await state(element, "ready");
  await expect(element).toContainText("of 4 pictures, each predicted");
  await element.getByRole("textbox", { name: "Name of a new class" }).fill("blue");
  await element.getByRole("textbox").press("Enter");
  const add = element.getByLabel("Add to blue").and(element.locator("input"));
  await add.setInputFiles([await file(at, 220, "disc"), await file(at, 240, "disc")]);
  await expect(element).toContainText("of 6 pictures, each predicted", SOON);
  expect(await element.evaluate((node) => (node as KithProbe).classes)).toEqual([
    "warm",
    "cold",
    "blue",
  ]);
  expect(await element.evaluate((node) => (node as KithProbe).probe!.labels)).toEqual([
    "blue",
    "cold",
    "warm",
  ]);
  await element.getByRole("option", { name: "disc 240" }).click();
  await element.getByRole("button", { name: "Remove the picture" }).click();
  await element.getByRole("option", { name: "disc 140" }).press("Delete");
  await expect.poll(labels, SOON).toEqual(["warm", "warm", "cold", null, "blue"]);
  const kept = await at.evaluate(() =>
    events
      .filter(({ name }) => name === "kith-label")
      .map(({ detail }) => detail["label"] as string | null),
  );
  expect(kept).toEqual(["warm", "warm", "cold", "cold", null]);
  await accessible(at, "labelled");
});

test("pictures kept aside measure it; what it cannot do it says", async ({ at }) => {
  const attributes = `src="${CHECKPOINT}" device="cpu" validation-split="0.34"`;
  const element = await put(at, "kith-probe", attributes);
  await state(element, "ready");
  await expect(element).toContainText("pictures that were kept aside");
  await element.evaluate((node) => node.setAttribute("validation-split", "2"));
  await expect(element.getByRole("alert")).toContainText("validationSplit = 2: expected 0 to 0.9");
  await accessible(at, "error");
  await element.evaluate((node) => node.removeAttribute("validation-split"));
  await state(element, "ready");
  await element
    .locator("input[type=file]")
    .last()
    .setInputFiles({
      name: "letter.png",
      mimeType: "image/png",
      buffer: Buffer.from("no picture"),
    });
  await expect(element.getByRole("alert")).toContainText("letter.png: ", SOON);
  const few = await put(
    at,
    "kith-probe",
    undefined,
    CHILDREN.split("<img").slice(0, 2).join("<img"),
  );
  await state(few, "ready");
  await expect(few.getByRole("button", { name: "Which class" })).toBeDisabled();
  const code = await few.evaluate(async (node) => {
    try {
      return (await (node as KithProbe).classify([drawn(0, "disc")])).length;
    } catch (error) {
      return (error as { code: string }).code;
    }
  });
  expect(code).toBe("TOO_FEW_EXAMPLES");
  const refused = await few.evaluate((node) => {
    const own = node as KithProbe;
    const [picture] = own.pictures;
    const stranger = { ...picture!, id: "none", name: "stranger" };
    const tries = [
      () => own.label(stranger, "disc"),
      () => own.removeAdded(picture),
      () => own.addClass(" "),
      () => own.add([null as never]),
    ];
    return tries.map((work) => {
      try {
        return `no error but ${work()}`;
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
  });
  expect(refused).toEqual(Array(4).fill("SETTING"));
});
