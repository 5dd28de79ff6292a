// Checkpoints that are damaged, foreign, missing or not the one expected.
import { expect, left, test } from "./tab.js";

test.use({ given: [/^http:\/\/127\.0\.0\.1:9\//] });

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("a damaged or foreign checkpoint is refused with its code", async ({ tab }) => {
  const whole = left("checkpoint.safetensors");
  const length = Number(whole.readBigUInt64LE());
  const header = whole.subarray(8, 8 + length).toString();
  const data = whole.subarray(8 + length);
  const made = (text: string, rest = data) => {
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
    return Buffer.concat([size, Buffer.from(text), rest]);
  };
  const nan = Buffer.from(data);
  nan.writeFloatLE(NaN, 0);
  const hostile = Buffer.from(whole);
  hostile.writeBigUInt64LE(0xffff_ffff_ffff_ffffn);
  const files = {
    truncated: [whole.subarray(0, whole.length - 100), "CHECKPOINT_FORMAT"],
    empty: [Buffer.alloc(0), "CHECKPOINT_FORMAT"],
    picture: [Buffer.from("\x89PNG and so on, long enough to hold a header"), "CHECKPOINT_FORMAT"],
    hostile: [hostile, "CHECKPOINT_FORMAT"],
    nan: [made(header, nan), "CHECKPOINT_FORMAT"],
    foreign: [made(header.replace('"kith"', '"kiln"')), "NO_ENCODER"],
    pytorchs: [Buffer.from("PK\x03\x04\x14\0\0\0\0\0 and so on"), "CHECKPOINT_FORMAT"],
    newer: [made(header.replace('\\"format\\":1', '\\"format\\":9')), "CHECKPOINT_ARCH"],
    other: [made(header.replace('\\"kind\\":\\"conv4', '\\"kind\\":\\"swin')), "CHECKPOINT_ARCH"],
    wider: [made(header.replace('\\"width\\":16', '\\"width\\":24')), "CHECKPOINT_FORMAT"],
    renamed: [made(header.replaceAll("encoder.dense", "encoder.sense")), "CHECKPOINT_FORMAT"],
  } as const;
  for (const [name, [bytes, expected]] of Object.entries(files)) {
    const code = await tab.evaluate(
      (bytes) => lab.codeOf(() => lab.kith.loadEncoder(new Uint8Array(bytes), { device: "cpu" })),
      [...bytes],
    );
    expect(code, name).toBe(expected);
  }
});

test("a checkpoint that is not there, or a page, or another one is named", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    const { kith, codeOf } = lab;
    const load = (url: string, integrity?: string) => () =>
      kith.loadEncoder(url, { device: "cpu", ...(integrity ? { integrity } : {}) });
    const bytes = await (await fetch(from)).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const right = `sha256-${btoa(String.fromCharCode(...hash))}`;
    return {
      missing: await codeOf(load("/parity/nothing.safetensors")),
      page: await codeOf(load("/page-instead/checkpoint.safetensors")),
      unreachable: await codeOf(load("http://127.0.0.1:9/checkpoint.safetensors")),
      other: await codeOf(load(from, "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
      right: (await load(from, right)()).info.dim,
    };
  }, CHECKPOINT);
  expect(got).toEqual({
    missing: "CHECKPOINT_HTTP",
    page: "CHECKPOINT_HTTP",
    unreachable: "CHECKPOINT_HTTP",
    other: "INTEGRITY",
    right: 16,
  });
});
