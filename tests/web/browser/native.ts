// The native program and the package, given the same files.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { png } from "../../png.js";
import { expect, test } from "./tab.js";

const parity = process.env.KITH_PARITY ?? "";
const kith = join(parity, "../../release/kith");

test("files embed in a tab as the native program embeds them", async ({ tab }) => {
  test.skip(!existsSync(kith), "the native program was not built");
  const folder = mkdtempSync(join(tmpdir(), "kith-"));
  const sizes = [
    [32, 32],
    [64, 64],
    [50, 40],
    [33, 90],
  ];
  for (const [place, [width, height]] of sizes.entries()) {
    const picture = png(width!, height!, (x, y) => [
      (3 * x + 5 * y * place) % 256,
      (7 * x * place + y) % 256,
      (x * y) % 256,
      place % 2 ? 255 : 60 + ((x + y) % 190),
    ]);
    mkdirSync(join(folder, "pictures/some"), { recursive: true });
    writeFileSync(join(folder, `pictures/some/${place}.png`), picture);
  }
  const out = join(folder, "out");
  execFileSync(kith, [
    ...["embed", "--data", `folder:${join(folder, "pictures")}`, "--split", "unlabelled"],
    ...["--checkpoint", join(parity, "checkpoint.safetensors"), "--out", out, "--device", "cpu"],
  ]);
  const npy = readFileSync(`${out}.npy`);
  const start = 10 + npy.readUInt16LE(8);
  const names = readFileSync(`${out}.csv`, "utf8").match(/\d+\.png/g)!;
  const files = names.map((name) =>
    readFileSync(join(folder, "pictures/some", name)).toString("base64"),
  );
  const got = await tab.evaluate(async (files) => {
    const { kith } = lab;
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const blobs = files.map(
      (file) => new Blob([Uint8Array.from(atob(file), (c) => c.charCodeAt(0))]),
    );
    return [...(await encoder.embed(blobs, { normalize: false })).data];
  }, files);
  expect(names.length).toBeGreaterThan(1);
  const expected = got.map((_, i) => npy.readFloatLE(start + 4 * i));
  const size = Math.max(...expected.map(Math.abs));
  expect(npy.length).toBe(start + 4 * got.length);
  // A translucent pixel may be rounded to the next level.
  got.forEach((x, i) => expect(Math.abs(x - expected[i]!)).toBeLessThan(1e-2 * size));
});
