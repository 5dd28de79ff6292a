/** A picture of the gallery or of the user. */

export interface Picture {
  /** Unique on this page; begins with `g` for the gallery and with `y` for the user's pictures. */
  readonly id: string;
  readonly name: string;
  /** Its class, if it has one. */
  label: string | null;
  /** Who drew it; empty for the user's pictures. */
  readonly by: string;
  readonly tile?: Tile;
  /** The user's file, and an object URL of it. */
  readonly file?: { readonly blob: Blob; readonly url: string };
}

/** The position of a gallery picture on a sheet. */
export interface Tile {
  readonly sheet: string;
  readonly column: number;
  readonly row: number;
}

/** The columns and rows of tiles on a sheet, and the side of a tile in pixels. */
export const SHEET = { columns: 10, rows: 6, side: 64 } as const;

/** A description for screen readers. */
export function describe({ name, by, label }: Picture): string {
  return [name, by && `drawn by ${by}`, label && `in ${label}`].filter(Boolean).join(", ");
}

/** An element that shows a picture; CSS sets its size. */
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
