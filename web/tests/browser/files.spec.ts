// Files that are missing, wrong, damaged, kept from before, or too large to keep.
import { expect, left, openTab, test } from "./tab.js";

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("WebAssembly that is missing or a page is named", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    const failure = async (wasmUrl: string) => {
      try {
        await lab.kith.loadEncoder(from, { device: "cpu", wasmUrl });
        return null;
      } catch (error) {
        const { code, message, hint } = error as InstanceType<typeof lab.kith.KithError>;
        return { code, message, hint };
      }
    };
    return {
      missing: await failure("/nowhere/"),
      page: await failure("/page-instead/"),
      other: await failure("/parity/parity.json?.wasm"),
      unreachable: await failure("http://127.0.0.1:9/"),
    };
  }, CHECKPOINT);
  expect(got.missing?.code).toBe("WASM_FETCH");
  expect(got.missing?.message).toContain("404");
  expect(got.page?.code).toBe("WASM_FETCH");
  expect(got.page?.message).toContain("got a page (text/html)");
  expect(got.page?.message).toContain("bundler");
  expect(got.unreachable?.code).toBe("WASM_FETCH");
});

test("a file that is no WebAssembly is named", async ({ tab }) => {
  const code = await tab.evaluate(
    (from) =>
      lab.codeOf(() =>
        lab.kith.loadEncoder(from, { device: "cpu", wasmUrl: { cpu: "/parity/parity.json" } }),
      ),
    CHECKPOINT,
  );
  expect(code).toBe("WASM_COMPILE");
});

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
    foreign: [made(header.replace('"kith"', '"kiln"')), "CHECKPOINT_FORMAT"],
    newer: [made(header.replace('\\"format\\":1', '\\"format\\":9')), "CHECKPOINT_ARCH"],
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

test("pictures that are none are named by their place", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    const { kith, pictures } = lab;
    const encoder = await kith.loadEncoder(from, { device: "cpu" });
    const wrong = [
      new Blob(["hello"], { type: "image/png" }),
      "/parity/nothing.png",
      { data: new Uint8Array(5), width: 2, height: 2, channels: 3 as const },
    ];
    const said = [];
    for (const one of wrong) {
      try {
        await encoder.embed([pictures[0]!, one]);
        said.push("no error");
      } catch (error) {
        const { code, message } = error as InstanceType<typeof kith.KithError>;
        said.push(`${code} ${message.slice(0, 9)}`);
      }
    }
    return said;
  }, CHECKPOINT);
  expect(got).toEqual(Array(3).fill("IMAGE_DECODE picture 1"));
});

test("settings and labels that cannot be are named", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    const { kith, pictures, names, parity, codeOf } = lab;
    const encoder = await kith.loadEncoder(from, { device: "cpu" });
    const embeddings = await encoder.embed(pictures);
    const recipe = parity.pretraining.toml;
    const device = "cpu";
    const one = names.map(() => "one");
    return {
      preset: await codeOf(() => encoder.augment(pictures[0]!, { preset: "nonesuch" })),
      op: await codeOf(() =>
        encoder.augment(pictures[0]!, { ops: [{ op: "flip", probability: 7 }] }),
      ),
      recipe: await codeOf(() => kith.pretrain(pictures, { device, recipe: "nonesuch" })),
      key: await codeOf(() => kith.pretrain(pictures, { device, set: { "a.b": 1 } })),
      side: await codeOf(() => kith.pretrain(pictures, { device, recipe, imageSize: 8 })),
      few: await codeOf(() => kith.pretrain(pictures.slice(0, 3), { device, recipe })),
      labels: await codeOf(() => kith.trainLinearProbe(embeddings, ["one"]).result),
      classes: await codeOf(() => kith.trainLinearProbe(embeddings, one).result),
      rate: await codeOf(
        () => kith.trainLinearProbe(embeddings, names, { learningRate: 1e30 }).result,
      ),
      dim: await codeOf(() => new kith.KnnIndex(5).query(embeddings)),
      index: await codeOf(() => kith.KnnIndex.load(new Uint8Array(20))),
    };
  }, CHECKPOINT);
  expect(got).toEqual({
    preset: "SETTING",
    op: "SETTING",
    recipe: "SETTING",
    key: "SETTING",
    side: "SETTING",
    few: "TOO_FEW_EXAMPLES",
    labels: "DIM_MISMATCH",
    classes: "TOO_FEW_EXAMPLES",
    rate: "DIVERGED",
    dim: "DIM_MISMATCH",
    index: "FILE_FORMAT",
  });
});

test("a second visit works without the network", async ({ page, context }) => {
  await openTab(page);
  const load = async (from: string) => {
    const seen: boolean[] = [];
    await lab.kith.loadEncoder(from, {
      device: "cpu",
      onProgress: ({ phase, fromCache }) => {
        if (phase === "checkpoint") seen.push(fromCache);
      },
    });
    return seen.at(-1);
  };
  expect(await page.evaluate(load, CHECKPOINT)).toBe(false);
  expect(await page.evaluate(load, CHECKPOINT)).toBe(true);
  await context.setOffline(true);
  expect(await page.evaluate(load, CHECKPOINT)).toBe(true);
  const cache = await page.evaluate(async (from) => {
    const { checkpointCache } = lab.kith;
    const url = new URL(from, location.href).href;
    const [entry] = await checkpointCache.list();
    const before = await checkpointCache.has(url);
    const gone = await checkpointCache.delete(url);
    return [entry?.url === url, (entry?.bytes ?? 0) > 1000, before, gone];
  }, CHECKPOINT);
  expect(cache).toEqual([true, true, true, 1]);
});

test("a cached file that was damaged is fetched anew", async ({ tab }) => {
  const dim = await tab.evaluate(async (from) => {
    const bytes = await (await fetch(from)).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const integrity = `sha256-${btoa(String.fromCharCode(...hash))}`;
    const cache = await caches.open("kith-checkpoints");
    await cache.put(new URL(from, location.href).href, new Response("damaged"));
    return (await lab.kith.loadEncoder(from, { device: "cpu", integrity })).info.dim;
  }, CHECKPOINT);
  expect(dim).toBe(16);
});

test("where nothing more can be kept, loading works all the same", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    Cache.prototype.put = async () => {
      throw new DOMException("no room", "QuotaExceededError");
    };
    const encoder = await lab.kith.loadEncoder(from, { device: "cpu" });
    return [encoder.info.dim, (await lab.kith.checkpointCache.list()).length];
  }, CHECKPOINT);
  expect(got).toEqual([16, 0]);
});
