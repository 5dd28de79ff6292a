/** The pictures of an element: `<img>` elements in it, those that a script gave, and added files. */
import { KithError } from "../index.js";

/** A picture as scripts give it to an element. */
export interface PictureSource {
  /** An address, or a file. */
  readonly source: string | URL | Blob;
  /** What to call it. Default: the name of the file. */
  readonly name?: string;
  /** Its class, if it is known. */
  readonly label?: string | null;
}

/** A picture of an element, as events show it. */
export interface ElementPicture {
  /** Unique in its element. */
  readonly id: string;
  /** What it is called. */
  readonly name: string;
  /** Its class; null where it has none. */
  readonly label: string | null;
  /** `child`: an `<img>` in the element; `script`: from `images`; `added`: by a visitor or `add`. */
  readonly from: "child" | "script" | "added";
  /** The address or the file. */
  readonly source: string | Blob;
  /** The `<img>` that it was given as. */
  readonly element?: HTMLImageElement;
}

let made = 0;

/** A picture with what has been found out of it. */
export class Picture implements ElementPicture {
  readonly id = `picture-${(made += 1)}`;
  name: string;
  readonly from: ElementPicture["from"];
  readonly source: string | Blob;
  readonly element?: HTMLImageElement;
  label: string | null;
  /** Its embedding, and the fingerprint of the encoder that made it. */
  embedding?: { readonly row: Float32Array; readonly encoder: string };
  /** Why there is none. */
  error?: KithError;
  #url: string | undefined;

  constructor(given: Omit<ElementPicture, "id">) {
    this.name = given.name;
    this.from = given.from;
    this.source = given.source;
    this.label = given.label;
    if (given.element) this.element = given.element;
  }

  /** Where it can be shown from. */
  get url(): string {
    if (typeof this.source === "string") return this.source;
    return (this.#url ??= URL.createObjectURL(this.source));
  }

  /** As far as it is known, how the page may read it. */
  get crossOrigin(): string | undefined {
    if (this.from === "child") return this.element?.crossOrigin ?? undefined;
    return typeof this.source === "string" ? "anonymous" : undefined;
  }

  /** Lets the object URL go; the next `url` makes another. */
  close(): void {
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url);
    this.#url = undefined;
  }
}

/** An `<img>` in an element. */
export function fromChild(element: HTMLImageElement): Picture {
  const source = sourceOf(element);
  return new Picture({ from: "child", source, element, ...saidOf(element) });
}

export const sourceOf = ({ currentSrc, src }: HTMLImageElement): string => currentSrc || src;

/** What an `<img>` says about itself. */
export function saidOf(element: HTMLImageElement): { name: string; label: string | null } {
  const name = element.alt || fileName(sourceOf(element)) || "picture without a name";
  return { name, label: element.dataset["label"] || null };
}

/** What a script gave: an address, a file, or either with a name and a label. */
export function fromSource(given: unknown, from: "script" | "added", place: number): Picture {
  const one: unknown = isPlain(given) ? given.source : given;
  const { name, label = null } = isPlain(given) ? given : {};
  if (!(typeof one === "string" || one instanceof URL || one instanceof Blob)) {
    const message = `picture ${place}: expected an address, a Blob or { source, name, label }`;
    throw new KithError("SETTING", `${message}, got ${one === null ? "null" : typeof one}`);
  }
  const source = one instanceof Blob ? one : new URL(one, document.baseURI).href;
  const own = source instanceof File ? source.name : source instanceof Blob ? "" : fileName(source);
  return new Picture({ from, source, label, name: name || own || `picture ${place + 1}` });
}

function isPlain(given: unknown): given is PictureSource {
  return typeof given === "object" && given !== null && "source" in given;
}

/** The last part of an address; nothing of one that holds the picture itself. */
function fileName(address: string): string {
  if (!/^(https?|file):/.test(address)) return "";
  const last = new URL(address).pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
