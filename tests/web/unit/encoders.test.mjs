// Encoders of every kind, in Node, against what the Rust test `parity` computed natively.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { loadEncoder } from "../../../web/dist/node.js";
import { errorOf } from "../made.mjs";

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

const fixture = (name) => readFileSync(new URL(`../../fixtures/encoders/${name}`, import.meta.url));

/** The options of the package for what the native test told. */
const options = ({ set, ...told }) => ({
  ...told,
  ...(set && { set: Object.fromEntries(set.map((change) => change.split("="))) }),
});

test("files of other software's embed in Node as natively", { skip }, async () => {
  const { foreign } = JSON.parse(readFileSync(join(folder, "parity.json")));
  assert.equal(foreign.length, 7);
  for (const { name, told, side, count, pixels, features, ...facts } of foreign) {
    const file = new File([fixture(`${name}.safetensors`)], `${name}.safetensors`);
    const encoder = await loadEncoder(file, { device: "cpu", import: options(told) });
    const { info } = encoder;
    assert.deepEqual(info.origin, facts.origin, name);
    assert.deepEqual(info.imported, facts.imported, name);
    assert.equal(info.fingerprint, facts.fingerprint, name);
    assert.deepEqual([info.stage, info.imageSize, info.dim], ["imported", side, facts.dim]);
    const area = side * side;
    const sample = (picture, i) => pixels[(3 * picture + (i % 3)) * area + Math.floor(i / 3)];
    const pictures = Array.from({ length: count }, (_, picture) => ({
      data: Uint8Array.from({ length: 3 * area }, (_, i) => sample(picture, i)),
      width: side,
      height: side,
      channels: 3,
    }));
    const { data } = await encoder.embed(pictures, { normalize: false });
    await encoder.dispose();
    const bound = 1e-4 * Math.max(...features.map(Math.abs));
    const far = Math.max(...features.map((x, i) => Math.abs(x - data[i])));
    assert.ok(far < bound, `${name}: off by ${far}, allowed ${bound}`);
  }
});

test("what a file does not say is asked for, and what is said is held against it", async () => {
  const cpu = { device: "cpu" };
  const refused = async (name, told, [code, ...words]) => {
    const error = await errorOf(() =>
      loadEncoder(fixture(name), { ...cpu, ...(told && { import: told }) }),
    );
    const said = `${error.code} ${error.message}`;
    assert.equal(error.code, code, `${name}: ${said}`);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in: ${said}`);
    assert.ok(error.hint.length > 0);
  };
  await refused("vit16.safetensors", undefined, ["UNTOLD", "`pixels` must be given"]);
  await refused("vit16.safetensors", { pixels: "signed" }, ["UNTOLD", "`heads` must be given"]);
  await refused("efficientnet_lite.safetensors", undefined, ["NO_ENCODER", "nearest is lite0"]);
  await refused("vit16.expected.safetensors", undefined, ["NO_ENCODER", "expected ResNet-18"]);
  await refused("resnet18.safetensors", { arch: "resnet50" }, ["SETTING", "arch = resnet50"]);
  await refused("resnet18.safetensors", { arch: "vit" }, ["SETTING", "arch = vit"]);
  await refused("resnet18.safetensors", { prefix: "a." }, ["NO_ENCODER", "prefix `a.`"]);
  await refused("resnet18.safetensors", { head: 3 }, ["SETTING", "`head`"]);
  await refused("resnet18.safetensors", { side: 0 }, ["SETTING", "import.side"]);
  await refused("resnet18.safetensors", { classes: ["a"] }, ["SETTING", "5 names"]);
  await refused("resnet18.safetensors", { resize: 8, side: 9 }, ["SETTING", "resize = 8"]);
  await refused("resnet18.safetensors", { set: { "encoder.wide": 3 } }, ["SETTING", "wide"]);
});

test("files of PyTorch's are refused with the command that makes a checkpoint of them", async () => {
  for (const name of ["resnet18.pth", "hostile_call_legacy.pth", "wrapped_lightly.ckpt"]) {
    const error = await errorOf(() => loadEncoder(fixture(name), { device: "cpu" }));
    assert.equal(error.code, "CHECKPOINT_FORMAT", error.message);
    assert.match(error.message, /PyTorch.*`kith import FILE --out x\.safetensors`/);
  }
});

test("nothing can be told of a checkpoint, which says all itself", { skip }, async () => {
  const checkpoint = readFileSync(join(folder, "checkpoint.safetensors"));
  const error = await errorOf(() => loadEncoder(checkpoint, { import: { side: 32 } }));
  assert.match(`${error.code} ${error.message}`, /^SETTING .*checkpoint of kith's/);
  const encoder = await loadEncoder(checkpoint, { device: "cpu" });
  assert.deepEqual([encoder.info.imported, encoder.info.origin], [null, null]);
  await encoder.dispose();
});
