// Makes the gallery: one picture atlas per vendor, and the table of what they show.
//
//     npm install --prefix DIR sharp@0.35.5 emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0
//     node make.mjs DIR
//
// writes google.webp, twitter.webp and emoji.tsv beside this script; takes about half a minute.
// Tile n of either atlas, counted along the rows, is line n of the table: the same emoji by two
// vendors. The atlases are opaque and coded without loss after samples were moved by at most 2 of
// 255 (a fifth smaller so), hence every decoder gives the same bytes.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const SIDE = 64;
const COLUMNS = 40;
const VENDORS = ["google", "twitter"];
const here = import.meta.dirname;
const modules = join(resolve(process.argv[2] ?? "."), "node_modules");
const sharp = createRequire(join(modules, "x"))("sharp");

const packageOf = (vendor) => join(modules, `emoji-datasource-${vendor}`);

/** The emoji worth drawing: no swatches of skin tone, nothing that a newer emoji replaced. Skin
 * tone variations are nested inside their emoji and so stay out: they would be near-duplicates. */
function candidates() {
  return JSON.parse(readFileSync(join(packageOf(VENDORS[0]), "emoji.json"), "utf8"))
    .filter((emoji) => emoji.category !== "Component" && !emoji.obsoleted_by)
    .filter((emoji) => VENDORS.every((vendor) => emoji[`has_img_${vendor}`]))
    .sort((a, b) => a.sort_order - b.sort_order);
}

/** One drawing as RGB bytes over white, `[SIDE, SIDE, 3]`. */
async function drawing(vendor, emoji) {
  const file = join(packageOf(vendor), "img", vendor, "64", emoji.image);
  const { data, info } = await sharp(file).toColourspace("srgb").ensureAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== SIDE || info.height !== SIDE || info.channels !== 4)
    throw new Error(`${file}: expected ${SIDE}x${SIDE}x4, got ${info.width}x${info.height}x${info.channels}`);
  const rgb = Buffer.alloc(SIDE * SIDE * 3);
  for (let i = 0; i < SIDE * SIDE; i++) {
    const alpha = data[i * 4 + 3];
    for (let c = 0; c < 3; c++)
      rgb[i * 3 + c] = Math.round((data[i * 4 + c] * alpha + 255 * (255 - alpha)) / 255);
  }
  return rgb;
}

/** Emoji with both drawings; one whose drawing an earlier emoji already has is left out, since
 * "find this picture by the other vendor" would have two right answers (many flags). */
async function distinct() {
  const seen = VENDORS.map(() => new Set());
  const kept = [];
  for (const emoji of candidates()) {
    const drawings = await Promise.all(VENDORS.map((vendor) => drawing(vendor, emoji)));
    const keys = drawings.map((rgb) => rgb.toString("latin1"));
    if (keys.some((key, v) => seen[v].has(key))) continue;
    keys.forEach((key, v) => seen[v].add(key));
    kept.push({ emoji, drawings });
  }
  return kept;
}

/** A lossless atlas of tiles, `COLUMNS` to a row; what is left of the last row is white. */
function atlas(tiles) {
  const width = COLUMNS * SIDE;
  const height = Math.ceil(tiles.length / COLUMNS) * SIDE;
  const sheet = Buffer.alloc(width * height * 3, 255);
  tiles.forEach((tile, n) => {
    const left = (n % COLUMNS) * SIDE;
    const top = Math.floor(n / COLUMNS) * SIDE;
    for (let y = 0; y < SIDE; y++)
      tile.copy(sheet, ((top + y) * width + left) * 3, y * SIDE * 3, (y + 1) * SIDE * 3);
  });
  return sharp(sheet, { raw: { width, height, channels: 3 } })
    .webp({ nearLossless: true, quality: 60, effort: 4 }).toBuffer();
}

const kept = await distinct();
for (const [v, vendor] of VENDORS.entries())
  writeFileSync(join(here, `${vendor}.webp`), await atlas(kept.map(({ drawings }) => drawings[v])));
const lines = kept.map(({ emoji }) => [emoji.unified, emoji.category, (emoji.name ?? emoji.short_name).toLowerCase()]);
writeFileSync(join(here, "emoji.tsv"), ["code\tcategory\tname", ...lines.map((l) => l.join("\t"))].join("\n") + "\n");
console.log(`${kept.length} emoji, ${VENDORS.length} drawings each`);
