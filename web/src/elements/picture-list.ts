/** All pictures of an element, in order: its `<img>` elements, those of a script, added ones. */
import {
  Picture,
  fromChild,
  fromSource,
  saidOf,
  sourceOf,
  type PictureSource,
} from "./pictures.js";

const WATCHED = ["src", "srcset", "alt", "data-label", "crossorigin"];

export class PictureList {
  readonly #host: HTMLElement;
  readonly #changed: () => void;
  readonly #observer: MutationObserver;
  #children: Picture[] = [];
  #script: Picture[] = [];
  #added: Picture[] = [];

  constructor(host: HTMLElement, changed: () => void) {
    this.#host = host;
    this.#changed = changed;
    this.#observer = new MutationObserver((records) => this.#observed(records));
  }

  get all(): readonly Picture[] {
    return [...this.#children, ...this.#script, ...this.#added];
  }

  /** Looks at the children from now on. */
  open(): void {
    const what = { childList: true, subtree: true, attributes: true, attributeFilter: WATCHED };
    this.#observer.observe(this.#host, what);
    this.#readChildren(new Set());
  }

  /** Looks no more, and lets object URLs go; the pictures stay for the next `open`. */
  close(): void {
    this.#observer.disconnect();
    this.all.forEach((picture) => picture.close());
  }

  /** Errors: `SETTING` for what is no picture; nothing changes then. */
  setScript(given: readonly (string | URL | Blob | PictureSource)[]): void {
    const next = Array.from(given, (one, place) => fromSource(one, "script", place));
    this.#script.forEach((picture) => picture.close());
    this.#script = next;
    this.#changed();
  }

  /** Errors: `SETTING` for what is no picture; nothing changes then. */
  add(given: readonly (string | URL | Blob | PictureSource)[], label: string | null): Picture[] {
    const next = Array.from(given, (one, place) => fromSource(one, "added", place));
    for (const picture of next) picture.label ??= label;
    this.#added.push(...next);
    this.#changed();
    return next;
  }

  /** Takes an added picture away; those of the page are the page's. */
  remove(picture: Picture): void {
    picture.close();
    this.#added = this.#added.filter((one) => one !== picture);
    this.#changed();
  }

  #observed(records: readonly MutationRecord[]): void {
    this.#readChildren(new Set(records.map(({ target }) => target)));
    this.#changed();
  }

  /** Keeps the pictures of children that are still the same; a label that changed is read again. */
  #readChildren(touched: ReadonlySet<Node>): void {
    const known = new Map(this.#children.map((picture) => [picture.element, picture]));
    this.#children = [...this.#host.querySelectorAll("img")].map((element) => {
      const picture = known.get(element);
      if (picture?.source !== sourceOf(element)) return fromChild(element);
      if (touched.has(element)) Object.assign(picture, saidOf(element));
      return picture;
    });
  }
}
