// Encoders of every kind, in Node, against what the Rust test `parity` computed natively.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadEncoder } from "../../../web/dist/node.js";

const folder = process.env.KITH_PARITY;
const skip = folder ? false : "KITH_PARITY names no folder that the Rust test `parity` left";

test("encoders of every kind embed in Node as natively", { skip }, async () => {
  const read = (name) => readFileSync(join(folder, name));
  const { side, count, pixels, encoders, ...own } = JSON.parse(read("parity.json"));
  const area = side * side;
  const sample = (picture, i) => pixels[(3 * picture + (i % 3)) * area + Math.floor(i / 3)];
  const pictures = Array.from({ length: count }, (_, picture) => ({
    data: Uint8Array.from({ length: 3 * area }, (_, i) => sample(picture, i)),
    width: side,
    height: side,
    channels: 3,
  }));
  const all = [{ ...own, name: "conv4", file: "checkpoint.safetensors" }, ...encoders];
  for (const { name, file = `encoder-${name}.safetensors`, features, dim } of all) {
    const encoder = await loadEncoder(read(file));
    assert.equal(encoder.info.arch, name.split("-")[0]);
    assert.equal(encoder.info.dim, dim);
    const { data } = await encoder.embed(pictures, { normalize: false });
    await encoder.dispose();
    assert.equal(data.length, features.length, name);
    const bound = 1e-4 * Math.max(...features.map(Math.abs));
    const far = Math.max(...features.map((x, i) => Math.abs(x - data[i])));
    assert.ok(far < bound, `${name}: off by ${far}, allowed ${bound}`);
  }
});

test("pictures of any shape are cut as the checkpoint says", { skip }, async () => {
  const read = (name) => readFileSync(join(folder, name));
  const { framed } = JSON.parse(read("parity.json"));
  const { width, height, samples, features } = framed;
  const encoder = await loadEncoder(read("framed.safetensors"));
  assert.deepEqual(encoder.info.preprocessing, { resize: 40, filter: "bicubic" });
  assert.equal(encoder.info.resize, "centre-crop");
  const picture = { data: Uint8Array.from(samples), width, height, channels: 3 };
  const { data } = await encoder.embed([picture], { normalize: false });
  await encoder.dispose();
  const bound = 1e-5 * Math.max(...features.map(Math.abs));
  assert.ok(Math.max(...features.map((x, i) => Math.abs(x - data[i]))) < bound);
  const plain = await loadEncoder(read("checkpoint.safetensors"));
  const other = await plain.embed([picture], { normalize: false });
  await plain.dispose();
  assert.ok(Math.max(...features.map((x, i) => Math.abs(x - other.data[i]))) > 10 * bound);
});
