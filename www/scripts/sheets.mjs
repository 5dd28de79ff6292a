// Cuts the gallery's atlases into smaller sheets, of which the page downloads only some.
//
//     npm install --prefix DIR sharp@0.35.5
//     node www/scripts/sheets.mjs DIR
//
// writes public/gallery/<vendor>-<n>.webp and emoji.txt: a line with the categories, then a line per
// emoji, with the number of its category before its name. The tiles of the sheets are in the order of
// these lines. A page loads only the sheets that it shows.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const SIDE = 64;
const [COLUMNS, ROWS] = [10, 6];
const QUALITY = 60;
const from = resolve(import.meta.dirname, "../../assets/gallery");
const to = resolve(import.meta.dirname, "../public/gallery");
const modules = join(resolve(process.argv[2] ?? "."), "node_modules");
const sharp = createRequire(join(modules, "x"))("sharp");

/** One tile of an atlas as RGB bytes. */
function tile({ data, info }, number) {
  const columns = info.width / SIDE;
  const [left, top] = [(number % columns) * SIDE, Math.floor(number / columns) * SIDE];
  const bytes = Buffer.alloc(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y += 1) {
    const start = ((top + y) * info.width + left) * 3;
    data.copy(bytes, y * SIDE * 3, start, start + SIDE * 3);
  }
  return bytes;
}

/** Tiles side by side; the rest of the last row is white. */
function sheet(tiles) {
  const width = COLUMNS * SIDE;
  const bytes = Buffer.alloc(width * ROWS * SIDE * 3, 255);
  tiles.forEach((own, place) => {
    const [left, top] = [(place % COLUMNS) * SIDE, Math.floor(place / COLUMNS) * SIDE];
    for (let y = 0; y < SIDE; y += 1) {
      own.copy(bytes, ((top + y) * width + left) * 3, y * SIDE * 3, (y + 1) * SIDE * 3);
    }
  });
  return sharp(bytes, { raw: { width, height: ROWS * SIDE, channels: 3 } });
}

for (const vendor of ["google", "twitter"]) {
  const atlas = await sharp(join(from, `${vendor}.webp`))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const count = readFileSync(join(from, "emoji.tsv"), "utf8").trim().split("\n").length - 1;
  for (let first = 0, n = 0; first < count; first += COLUMNS * ROWS, n += 1) {
    const length = Math.min(COLUMNS * ROWS, count - first);
    const tiles = Array.from({ length }, (_, place) => tile(atlas, first + place));
    const options = { quality: QUALITY, effort: 6, smartSubsample: true };
    await sheet(tiles)
      .webp(options)
      .toFile(join(to, `${vendor}-${n}.webp`));
  }
}
const [, ...table] = readFileSync(join(from, "emoji.tsv"), "utf8").trim().split("\n");
const lines = table.map((line) => line.split("\t").slice(1));
const categories = [...new Set(lines.map(([category]) => category))];
const emoji = lines.map(([category, name]) => `${categories.indexOf(category)}${name}`);
writeFileSync(join(to, "emoji.txt"), `${[categories.join("\t"), ...emoji].join("\n")}\n`);
