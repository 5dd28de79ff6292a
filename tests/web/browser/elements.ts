// A page with the package's elements, under a content security policy, and drawn pictures.
import { AxeBuilder } from "@axe-core/playwright";
import { test as base, type Locator, type Page } from "@playwright/test";
import { expect } from "./tab.js";

import type { KithNeighbours, KithProbe, KithElementEvents } from "../../../web/dist/elements.js";
import type * as Kith from "../../../web/dist/index.js";

export const CHECKPOINT = "/parity/checkpoint.safetensors";
export const SOON = { timeout: 60_000 };

interface Kept {
  readonly name: keyof KithElementEvents;
  readonly detail: Record<string, unknown>;
}

declare global {
  /** Events of all elements, in order. */
  // eslint-disable-next-line no-var
  var events: Kept[];
  /** Object URLs that were made and not revoked. */
  // eslint-disable-next-line no-var
  var urls: Set<string>;
  /** A picture as an address: a disc or a square of a hue, on white. */
  function drawn(hue: number, shape: "disc" | "square"): string;
  /** Puts HTML on the page; `disc:20` as a `src` is a drawn picture. */
  function show(html: string): void;
}

/** Runs in the page before all else. */
function prepare(): void {
  globalThis.events = [];
  globalThis.urls = new Set();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (of) => {
    const url = createObjectURL.call(URL, of);
    urls.add(url);
    return url;
  };
  URL.revokeObjectURL = (url) => {
    urls.delete(url);
    revokeObjectURL.call(URL, url);
  };
  const names = ["state", "ready", "embeddings", "neighbours", "label", "probe", "prediction"];
  for (const name of [...names, "error"] as const) {
    const full = `kith-${name}` as keyof KithElementEvents;
    document.addEventListener(full, (event) => {
      events.push({ name: full, detail: (event as CustomEvent).detail });
    });
  }
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    console.error(`policy: ${violatedDirective} refused ${blockedURI}`),
  );
  globalThis.drawn = (hue, shape) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 48;
    const context = canvas.getContext("2d")!;
    context.fillStyle = "white";
    context.fillRect(0, 0, 48, 48);
    context.fillStyle = `hsl(${hue} 80% 50%)`;
    if (shape === "disc") context.arc(24, 24, 17, 0, 7);
    else context.rect(9, 9, 30, 30);
    context.fill();
    return canvas.toDataURL();
  };
  globalThis.show = (html) => {
    const there = document.getElementById("here")!;
    there.innerHTML = html.replace(/"(disc|square):(\d+)"/g, (_, shape, hue) => {
      return `"${drawn(Number(hue), shape as "disc")}"`;
    });
  };
}

export const test = base.extend<{ at: Page; wrong: RegExp }>({
  /** What the console may say. */
  wrong: [/^$/, { option: true }],
  at: async ({ page, wrong }, use) => {
    const said: string[] = [];
    page.on("pageerror", (error) => said.push(`thrown: ${error}`));
    page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    await page.addInitScript(prepare);
    await page.goto("/pages/elements.html");
    await page.waitForFunction(() => customElements.get("kith-probe"));
    await use(page);
    expect(
      said.filter((words) => !wrong.test(words)),
      "no errors, no violations of the policy",
    ).toEqual([]);
  },
});

/** Discs and squares of six hues, as children of an element. */
export const CHILDREN = [0, 20, 120, 140, 220, 240]
  .flatMap((hue) => ["disc", "square"].map((shape) => ({ hue, shape })))
  .map(({ hue, shape }) => {
    return `<img src="${shape}:${hue}" alt="${shape} ${hue}" data-label="${shape}">`;
  })
  .join("");

/** Puts an element with all pictures on the page. */
export async function put(
  page: Page,
  tag: "kith-neighbours" | "kith-probe",
  attributes = `src="${CHECKPOINT}" device="cpu"`,
  children = CHILDREN,
): Promise<Locator> {
  await page.evaluate((html) => show(html), `<${tag} ${attributes}>${children}</${tag}>`);
  return page.locator(tag);
}

export async function state(of: Locator, wanted: string): Promise<void> {
  const now = () => of.evaluate((element) => (element as KithNeighbours | KithProbe).state);
  await expect.poll(now, SOON).toBe(wanted);
}

/** Expects that axe finds nothing. */
export async function accessible(page: Page, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 3)}`,
  );
  expect(found, `axe: ${what}`).toEqual([]);
}

/** A drawn picture as a file that a visitor chooses. */
export async function file(page: Page, hue: number, shape: "disc" | "square") {
  const url = await page.evaluate(([hue, shape]) => drawn(hue, shape), [hue, shape] as const);
  const buffer = Buffer.from(url.split(",")[1]!, "base64");
  return { name: `${shape} ${hue}.png`, mimeType: "image/png", buffer };
}

export { expect };
export type { Kith, KithNeighbours, KithProbe };
