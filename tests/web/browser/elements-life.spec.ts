// How elements come, share an encoder, move and go.
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

test("options of a script are shared if they are one object", async ({ at }) => {
  const got = await at.evaluate(async (src) => {
    const asked: string[] = [];
    const get: typeof fetch = (from) => (asked.push(String(from)), fetch(from));
    const options = { cache: "none", fetch: get } as const;
    const made = [options, options, { ...options }].map((own) => {
      const element = document.createElement("kith-neighbours");
      element.setAttribute("src", src);
      element.setAttribute("device", "cpu");
      element.options = own;
      document.getElementById("here")!.append(element);
      return element;
    });
    const ready = (element: (typeof made)[number]) =>
      new Promise((resolve) => element.addEventListener("kith-ready", resolve));
    await Promise.all(made.map(ready));
    const [one, two, three] = made.map(({ encoder }) => encoder);
    return { asked: asked.length, same: one === two, other: one === three };
  }, CHECKPOINT);
  expect(got).toEqual({ asked: 2, same: true, other: false });
});

test("a lazy element waits until it is in the window", async ({ at }) => {
  const attributes = `src="${CHECKPOINT}" device="cpu" loading="lazy"`;
  const element = await put(at, "kith-neighbours", attributes);
  await state(element, "ready");
  await element.evaluate((node) => {
    const next = node.cloneNode(true) as HTMLElement;
    const space = document.createElement("div");
    space.id = "space";
    space.append(...Array.from({ length: 300 }, () => document.createElement("br")));
    node.replaceWith(space, next);
  });
  await expect.poll(() => at.workers().length, SOON).toBe(0);
  await at.waitForTimeout(1_000);
  expect(at.workers().length).toBe(0);
  await state(element, "empty");
  await at.locator("h1").evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await state(element, "ready");
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
