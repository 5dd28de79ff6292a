/** What this browser keeps of the user's pictures, so that they are there again after a reload. */
import { clear, del, delMany, entries, setMany } from "idb-keyval";
import type { Picture } from "../picture.js";
import { openStore } from "../storage.js";
import { restoredPicture } from "../user-pictures.js";

const store = openStore("kith-pictures", "pictures");

/** Deletes what this browser keeps of pictures, of all tabs. */
export const deleteKept = (): Promise<void> => clear(store);

/** A picture as it is stored; its label has a key of its own, so that it changes alone. */
interface Stored {
  readonly name: string;
  readonly blob: Blob;
}

const pictureKey = (id: string): string => `picture ${id}`;
const labelKey = (id: string): string => `label ${id}`;

export class KeptPictures {
  /** Changes that are not written yet. */
  waiting = 0;
  /** Why the last change could not be written. */
  trouble: unknown;
  /** Pictures whose last change could not be written. */
  readonly #lost = new Set<Picture>();
  #last: Promise<void> = Promise.resolve();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** How many pictures are not kept as they are now. */
  get lost(): number {
    return this.#lost.size;
  }

  /** The pictures of an earlier visit, in their order; none where a browser keeps nothing. */
  async restore(): Promise<Picture[]> {
    const known = new Map(await entries<string, Stored | string>(store).catch(() => []));
    return [...known].flatMap(([key, value]) => {
      if (typeof value === "string" || !key.startsWith("picture ")) return [];
      const id = key.slice("picture ".length);
      const label = known.get(labelKey(id));
      return [restoredPicture(id, value, typeof label === "string" ? label : null)];
    });
  }

  /** Keeps pictures, one after the other; ends when each is stored, or known to be lost. */
  async add(pictures: readonly Picture[]): Promise<void> {
    await Promise.all(pictures.map((picture) => this.#write([picture], () => put(picture))));
  }

  /** Keeps the label of pictures. */
  label(pictures: readonly Picture[], label: string | null): Promise<void> {
    const keys = pictures.map(({ id }) => labelKey(id));
    return this.#write(pictures, () =>
      label === null
        ? delMany(keys, store)
        : setMany(
            keys.map((key) => [key, label]),
            store,
          ),
    );
  }

  async remove(picture: Picture): Promise<void> {
    const { id } = picture;
    await this.#write([picture], () => delMany([pictureKey(id), labelKey(id)], store));
    this.#lost.delete(picture);
    this.#onChange();
  }

  /** Tries again what was lost. */
  again(): Promise<void> {
    return this.add([...this.#lost]);
  }

  /** Deletes all pictures of this browser, those of other tabs of the page too. */
  async forget(): Promise<void> {
    await this.#write([], deleteKept);
    this.#lost.clear();
    this.#onChange();
  }

  /** Writes one change after the other. A change that fails is no error of who made it. */
  #write(pictures: readonly Picture[], change: () => Promise<void>): Promise<void> {
    this.waiting += 1;
    this.#onChange();
    this.#last = this.#last.then(async () => {
      try {
        await change();
        for (const picture of pictures) this.#lost.delete(picture);
      } catch (error) {
        this.trouble = error;
        for (const picture of pictures) this.#lost.add(picture);
      }
      this.waiting -= 1;
      this.#onChange();
    });
    return this.#last;
  }
}

async function put({ id, name, label, file }: Picture): Promise<void> {
  const stored: Stored = { name, blob: file!.blob };
  const labels: [string, string][] = label === null ? [] : [[labelKey(id), label]];
  await setMany([[pictureKey(id), stored], ...labels], store);
  if (label === null) await del(labelKey(id), store);
}
