/** What elements are made of; where there are none, as in Node, a class that stands for it. */
export const ElementClass: typeof HTMLElement =
  globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

/** Makes a tag known, where there are tags; one that is known already stays as it is. */
export function define(tag: string, element: CustomElementConstructor): void {
  const known = globalThis.customElements as CustomElementRegistry | undefined;
  if (known && !known.get(tag)) known.define(tag, element);
}
