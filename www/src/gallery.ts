/** The built-in pictures: emoji in nine categories, each drawn by two vendors. */
import { SHEET, type Picture } from "./picture.js";

const VENDORS = [
  ["google", "Noto"],
  ["twitter", "Twemoji"],
] as const;
/** The folder of the sheets. */
const sheets = new URL("./gallery/", document.baseURI).href;

/**
 * The pictures in the order of the native dataset: both drawings of an emoji, then those of the
 * next one.
 */
export async function gallery(): Promise<Picture[]> {
  const response = await fetch("./gallery/emoji.txt");
  if (!response.ok) throw new Error(`the table of the gallery: HTTP ${response.status}`);
  const [head = "", ...lines] = (await response.text()).trim().split("\n");
  const categories = head.split("\t");
  return lines.flatMap((line, emoji) => {
    const label = categories[Number(line[0])] ?? null;
    const name = line.slice(1);
    return VENDORS.map(([vendor, by], drawing) => ({
      id: `g${2 * emoji + drawing}`,
      name,
      label,
      by,
      tile: tileOf(vendor, emoji),
    }));
  });
}

function tileOf(vendor: string, emoji: number) {
  const tiles = SHEET.columns * SHEET.rows;
  const index = emoji % tiles;
  return {
    sheet: `${sheets}${vendor}-${Math.floor(emoji / tiles)}.webp`,
    column: index % SHEET.columns,
    row: Math.floor(index / SHEET.columns),
  };
}

/** The same emoji drawn by the other vendor. */
export function counterpart(pictures: readonly Picture[], { id }: Picture): Picture | undefined {
  return id.startsWith("g") ? pictures[Number(id.slice(1)) ^ 1] : undefined;
}
