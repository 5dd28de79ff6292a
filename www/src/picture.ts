/** A picture: one of the gallery's or one of the visitor's. */

export interface Picture {
  /** Unique on this page; the gallery's begin with `g`, the visitor's with `y`. */
  readonly id: string;
  readonly name: string;
  /** Its class, if it has one. */
  label: string | null;
  /** Who drew it; empty for the visitor's. */
  readonly by: string;
  readonly tile?: Tile;
  /** The visitor's file, and an address of it in this tab. */
  readonly file?: { readonly blob: Blob; readonly url: string };
}

/** Where on a sheet a picture of the gallery is. */
export interface Tile {
  readonly sheet: string;
  readonly column: number;
  readonly row: number;
}

/** A sheet's tiles, side by side and below each other, and their side in pixels. */
export const SHEET = { columns: 10, rows: 6, side: 64 } as const;

/** What a screen reader says of it. */
export function describe({ name, by, label }: Picture): string {
  return [name, by && `drawn by ${by}`, label && `in ${label}`].filter(Boolean).join(", ");
}

/** Shows a picture, as large as its style says. */
export function pictureElement(picture: Picture): HTMLElement {
  const { file, tile } = picture;
  if (file) {
    const image = document.createElement("img");
    image.src = file.url;
    image.alt = describe(picture);
    image.className = "picture";
    return image;
  }
  const image = document.createElement("span");
  image.className = "picture";
  image.role = "img";
  image.ariaLabel = describe(picture);
  if (tile) {
    const along = (index: number, count: number) => `${(100 * index) / (count - 1)}%`;
    image.style.backgroundImage = `url("${tile.sheet}")`;
    image.style.backgroundPosition = `${along(tile.column, SHEET.columns)} ${along(tile.row, SHEET.rows)}`;
  }
  return image;
}
