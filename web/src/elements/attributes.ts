/** What an element's attributes and options say of its encoder. */
import { KithError, type EngineOptions, type LoadOptions } from "../index.js";
import type { EncoderSource } from "./shared-encoders.js";

/** Attributes of which any loads another encoder. */
export const LOADING = ["src", "device", "cache", "integrity", "wasm-url", "worker-url"] as const;

type Attribute = (typeof LOADING)[number];

/** How an element loads its encoder, besides its attributes, which go before. */
export type ElementOptions = Omit<LoadOptions, "signal" | "onProgress">;

/** Which encoder an element names; undefined where it names none. Errors: `SETTING`. */
export function encoderSource(element: Element, given: ElementOptions): EncoderSource | undefined {
  const src = address(element, "src");
  if (src === undefined) return undefined;
  const word = (name: Attribute): string | null => element.getAttribute(name);
  const words = said({
    device: word("device"),
    cache: word("cache"),
    integrity: word("integrity"),
    ...addresses(element),
  });
  // Words that are none of theirs are refused by `loadEncoder`.
  return { src, words: words as EncoderSource["words"], given };
}

/** How what computes beside the encoder is started. Errors: `SETTING`. */
export function engineOptions(element: Element, given: ElementOptions): EngineOptions {
  const { worker, wasmUrl, workerUrl, allowSoftware, fetch } = given;
  return said({ worker, wasmUrl, workerUrl, allowSoftware, fetch, ...addresses(element) });
}

/** Where the parts of the package lie, if attributes say so. */
function addresses(element: Element): Pick<LoadOptions, "wasmUrl" | "workerUrl"> {
  const [wasmUrl, workerUrl] = [address(element, "wasm-url"), address(element, "worker-url")];
  return said({ wasmUrl, workerUrl });
}

function address(element: Element, name: Attribute): string | undefined {
  const given = element.getAttribute(name);
  if (!given) return undefined;
  try {
    return new URL(given, document.baseURI).href;
  } catch (cause) {
    throw new KithError("SETTING", `${name} = ${given}: expected an address`, { cause });
  }
}

/** The settings that have a value. */
function said<T extends object>(settings: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const given = Object.entries(settings).filter(([, value]) => value != null);
  return Object.fromEntries(given) as { [K in keyof T]?: NonNullable<T[K]> };
}
