// A visit of the page: a fixture that watches its requests and errors, and checks accessibility.
import { AxeBuilder } from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";
import { elsewhere } from "../requests.js";

export const PANELS = [
  "neighbours",
  "augmentations",
  "learn",
  "probe",
  "label",
  "clean",
  "map",
  "checkpoint",
] as const;

export interface Visit {
  readonly page: Page;
  /** Opens a panel by its address after `#`. */
  open(address: string): Promise<void>;
  /** Expects that axe finds nothing in the current state. */
  accessible(state: string): Promise<void>;
  /** Errors on the console that a test causes on purpose. */
  expected: RegExp[];
}

/** For tests that say how long something may take: no other runs beside them. */
export const TIMED = { tag: "@timed" };

declare global {
  interface Window {
    longTasks: number[];
  }
}

export const test = base.extend<{ visit: Visit }>({
  visit: async ({ page, context, baseURL }, use) => {
    const asked = elsewhere(context, baseURL!);
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") wrong.push(message.text());
    });
    await page.addInitScript(watch);
    const visit: Visit = {
      page,
      expected: [],
      open: async (address) => {
        await page.goto(`./#${address}`);
        await page.waitForSelector("main > .panel");
      },
      accessible: (state) => accessible(page, state),
    };
    await use(visit);
    expect(asked, "no request leaves the origin").toEqual([]);
    const unexpected = wrong.filter((words) => !visit.expected.some((own) => own.test(words)));
    expect(unexpected, "no unexpected errors, and no policy violations").toEqual([]);
  },
});

/** Runs in the tab: reports violations of the content security policy, and records long tasks. */
function watch(): void {
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
    console.error(`policy: ${violatedDirective} refused ${blockedURI}`);
  });
  window.longTasks = [];
  new PerformanceObserver((list) => {
    window.longTasks.push(...list.getEntries().map(({ duration }) => duration));
  }).observe({ type: "longtask", buffered: true });
}

async function accessible(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 3)}`,
  );
  expect(found, `axe: ${state}`).toEqual([]);
}

/** Loads the network with the button of a panel. */
export async function load(page: Page): Promise<void> {
  await page
    .getByRole("button", { name: /^Load the network/ })
    .first()
    .click();
  await expect(page.locator("#device")).toContainText("Computing on", { timeout: 40_000 });
}

/** A picture file of the user: a coloured square on white. */
export async function userPicture(
  page: Page,
  colour = "red",
): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  const bytes = await page.evaluate(async (fill) => {
    const canvas = new OffscreenCanvas(48, 48);
    const context = canvas.getContext("2d")!;
    context.fillStyle = "white";
    context.fillRect(0, 0, 48, 48);
    context.fillStyle = fill;
    context.fillRect(10, 10, 28, 28);
    return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
  }, colour);
  return { name: `${colour}.png`, mimeType: "image/png", buffer: Buffer.from(bytes) };
}

/** Adds files with the button. */
export async function addPictures(
  page: Page,
  files: Awaited<ReturnType<typeof userPicture>>[],
): Promise<void> {
  const [chooser] = await Promise.all([
    page.waitForEvent("filechooser"),
    page.getByRole("button", { name: "Choose pictures" }).first().click(),
  ]);
  await chooser.setFiles(files);
}

export { expect };
