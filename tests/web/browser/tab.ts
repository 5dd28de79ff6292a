// A tab with the package in it, and the numbers that were computed natively.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test as base, type Page } from "@playwright/test";
import { elsewhere } from "../../requests.js";

import type * as Kith from "../../../web/dist/index.js";

/** What the native test `parity` leaves; arrays are row-major, pictures planar. */
export interface Parity {
  readonly side: number;
  readonly count: number;
  readonly pixels: number[];
  readonly fingerprint: string;
  readonly dim: number;
  readonly features: number[];
  readonly projections: number[];
  readonly support: { k: number; indices: number[]; similarities: number[]; labels: number[] };
  readonly views: {
    policy: string;
    seed: number;
    image: number;
    views: number;
    pixels: number[];
  }[];
  readonly probe: {
    strength: number;
    labels: number[];
    /** Strength, loss, accuracy. */
    tried: [number, number, number][];
    heldOut: number[];
    weight: number[];
    bias: number[];
  };
  readonly pretraining: {
    toml: string;
    plan: { seed: number; steps: number; epochs: number };
    labels: number[];
    steps: Record<string, number>[];
  };
  /** Small encoders of the other kinds after the same steps; `encoder-NAME.safetensors` holds each. */
  readonly encoders: {
    name: string;
    fingerprint: string;
    dim: number;
    parameters: number;
    features: number[];
    toml: string;
    steps: Record<string, number>[];
  }[];
  /** Files of other software's, `foreign-NAME.safetensors`, and what is told of them. */
  readonly foreign: {
    name: string;
    told: Omit<Kith.ImportOptions, "set"> & { set?: string[] };
    side: number;
    count: number;
    pixels: number[];
    fingerprint: string;
    dim: number;
    features: number[];
    origin: Kith.EncoderInfo["origin"];
    imported: Kith.ImportReport;
  }[];
  /** Every method in small, and what its steps measured. */
  readonly methods: { name: string; toml: string; steps: Record<string, number>[] }[];
}

export interface Lab {
  readonly kith: typeof Kith;
  readonly parity: Parity;
  /** The native test's pictures. */
  readonly pictures: Kith.RawImage[];
  /** Pictures of planar pixels. */
  planar(pixels: number[], count: number, side: number): Kith.RawImage[];
  /** Its class names, one a picture. */
  readonly names: string[];
  /** A failure's code, or what came instead of one. */
  codeOf(work: () => unknown): Promise<string>;
}

declare global {
  // eslint-disable-next-line no-var
  var lab: Lab;
}

/** A file that the native test left. */
export function left(name: string): Buffer {
  const folder = process.env.KITH_PARITY;
  if (!folder) throw new Error("KITH_PARITY names the folder that the native test `parity` left");
  return readFileSync(join(folder, name));
}

/** Opens a tab with `lab` in it. */
export async function openTab(page: Page): Promise<void> {
  await page.goto("/");
  await page.evaluate(async () => {
    const script = "/dist/index.js";
    const kith = (await import(script)) as typeof Kith;
    const parity = (await (await fetch("/parity/parity.json")).json()) as Parity;
    const planar = (pixels: number[], count: number, side: number): Kith.RawImage[] => {
      const area = side * side;
      return Array.from({ length: count }, (_, picture) => {
        const data = new Uint8Array(3 * area);
        for (let plane = 0; plane < 3; plane += 1) {
          for (let place = 0; place < area; place += 1) {
            data[3 * place + plane] = pixels[(3 * picture + plane) * area + place]!;
          }
        }
        return { data, width: side, height: side, channels: 3 as const };
      });
    };
    const pictures = planar(parity.pixels, parity.count, parity.side);
    const classes = ["one", "two", "three"];
    const names = parity.probe.labels.map((label) => classes[label]!);
    const codeOf = async (work: () => unknown): Promise<string> => {
      try {
        return `no error but ${JSON.stringify(await work())}`;
      } catch (error) {
        const { code, hint } = error as Kith.KithError;
        return code && hint ? code : `no KithError but ${String(error)}`;
      }
    };
    globalThis.lab = { kith, parity, pictures, planar, names, codeOf };
  });
}

export const test = base.extend<{ tab: Page; given: RegExp[] }>({
  /** Addresses of other origins that a test gives to the package. */
  given: [[], { option: true }],
  tab: async ({ page, context, baseURL, given }, use) => {
    const asked = elsewhere(context, baseURL!);
    const crashes: string[] = [];
    page.on("pageerror", (error) => crashes.push(String(error)));
    await openTab(page);
    await use(page);
    expect(crashes, "nothing was thrown that nobody caught").toEqual([]);
    const unasked = asked.filter((url) => !given.some((own) => own.test(url)));
    expect(unasked, "nothing is asked for but from addresses that were given").toEqual([]);
  },
});

export { expect, type Page };
