/** Makes what belongs to an address once, however often it is asked for; what failed is tried again. */
export function remembered<T>(make: (url: string) => Promise<T>): (url: string) => Promise<T> {
  const all = new Map<string, Promise<T>>();
  return (url) => {
    const known = all.get(url);
    if (known) return known;
    const coming = make(url);
    all.set(url, coming);
    coming.catch(() => all.delete(url));
    return coming;
  };
}
