/** A picture of the gallery, of the user, or of a folder that the page's server labels. */

export interface Picture {
  /** Unique on this page; begins with `g` for the gallery, with `y` for the user's pictures, with `f` for a folder's. */
  readonly id: string;
  readonly name: string;
  /** Its class, if it has one. */
  label: string | null;
  /** Somebody looked at it and could not tell its class. */
  unknown?: boolean;
  /** Its label is set aside to measure on: nobody learns from it. */
  aside?: boolean;
  /** Who drew it; empty for the user's pictures. */
  readonly by: string;
  readonly tile?: Tile;
  /** The user's file, and an object URL of it. */
  readonly file?: { readonly blob: Blob; readonly url: string };
  /** The address of an image in a folder that the page's server labels. */
  readonly address?: string;
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
  const { file, tile, address } = picture;
  const url = file?.url ?? address;
  if (url !== undefined) {
    const image = document.createElement("img");
    image.decoding = "async";
    image.src = url;
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
