/** What this browser keeps of the user's pictures, so that they are there again after a reload. */
import { clear, delMany, entries, promisifyRequest } from "idb-keyval";
import { markOf, setMark, type Mark } from "../label/mark.js";
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
/** Under it, where there is one: that nobody can tell the class, or that the label is set aside. */
const noteKey = (id: string): string => `note ${id}`;

/** A key and its value; `null` where there must be none. */
type Entry = readonly [key: string, value: string | Stored | null];

/** What is stored for what was said of a picture. */
function markEntries({ id }: Picture, { label, unknown, aside }: Mark): Entry[] {
  const note = unknown ? "unknown" : aside ? "aside" : null;
  return [
    [labelKey(id), label],
    [noteKey(id), note],
  ];
}

/** Writes all entries or none. */
const write = (all: readonly Entry[]): Promise<void> =>
  store("readwrite", (objects) => {
    for (const [key, value] of all) {
      if (value === null) objects.delete(key);
      else objects.put(value, key);
    }
    return promisifyRequest(objects.transaction);
  });

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
      const note = known.get(noteKey(id));
      const picture = restoredPicture(id, value, typeof label === "string" ? label : null);
      setMark(picture, {
        label: picture.label,
        unknown: note === "unknown",
        aside: note === "aside",
      });
      return [picture];
    });
  }

  /** Keeps pictures, one after the other; ends when each is stored, or known to be lost. */
  async add(pictures: readonly Picture[]): Promise<void> {
    await Promise.all(pictures.map((picture) => this.#write([picture], () => put(picture))));
  }

  /** Keeps what was said of pictures. */
  mark(pictures: readonly Picture[], mark: Mark): Promise<void> {
    return this.#write(pictures, () =>
      write(pictures.flatMap((picture) => markEntries(picture, mark))),
    );
  }

  async remove(picture: Picture): Promise<void> {
    const { id } = picture;
    const keys = [pictureKey(id), labelKey(id), noteKey(id)];
    await this.#write([picture], () => delMany(keys, store));
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

function put(picture: Picture): Promise<void> {
  const { id, name, file } = picture;
  const entry: Entry = [pictureKey(id), { name, blob: file!.blob }];
  return write([entry, ...markEntries(picture, markOf(picture))]);
}
