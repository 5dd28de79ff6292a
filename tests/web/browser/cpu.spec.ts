import type * as Kith from "../../../web/dist/index.js";
import "./native.js";
import { native, parityOn } from "./parity.js";
import { expect, test } from "./tab.js";

parityOn("cpu");

test("encoders of other kinds take the native training steps", async ({ tab }) => {
  const { encoders, pretraining } = native();
  for (const { name, toml, steps } of encoders) {
    const got = await tab.evaluate(
      async ({ toml, plan }) => {
        const { kith, parity, pictures } = lab;
        const run = await kith.pretrain(pictures, {
          device: "cpu",
          recipe: toml,
          imageSize: parity.side,
          seed: plan.seed,
          stepsPerEpoch: plan.steps,
          epochs: plan.epochs,
          labels: parity.pretraining.labels.map((label) => "abc"[label]!),
        });
        const losses: number[] = [];
        for await (const { loss } of run.steps(plan.steps)) losses.push(loss);
        await run.dispose();
        return losses;
      },
      { toml, plan: pretraining.plan },
    );
    expect(got, name).toHaveLength(steps.length);
    // By the fifth step 34 layers, normalised over eight pictures, have blown rounding up. MobileNet's
    // last kernels see one pixel before they are normalised: their gradients are rounding alone, of
    // which Adam makes whole steps at once. Among 53 layers of bottlenecks that narrow, one step is
    // enough: natively, too, weights that are off by 2e-7 change the second loss by a hundredth.
    const alike = ["mobilenet", "resnet-bottleneck"].includes(name) ? 1 : 4;
    steps.slice(0, alike).forEach(({ loss }, step) => {
      expect(Math.abs(got[step]! - loss!), `${name}, step ${step}`).toBeLessThan(1e-3 * loss!);
    });
  }
});

test("picture files of any form embed like their pixels", async ({ tab }) => {
  const far = await tab.evaluate(async () => {
    const { kith, pictures } = lab;
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const { data, width, height } = pictures[2]!;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
    for (let i = 0; i < width * height; i += 1) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
    const pixels = new ImageData(rgba, width, height);
    canvas.getContext("2d")!.putImageData(pixels, 0, 0);
    const file = await new Promise<Blob>((done) => canvas.toBlob((blob) => done(blob!)));
    const element = new Image();
    element.src = URL.createObjectURL(file);
    await element.decode();
    const bitmap = await createImageBitmap(file);
    const forms = [pixels, canvas, file, element, bitmap, element.src];
    const expected = await encoder.embed(pictures[2]!);
    const found = await encoder.embed(forms);
    bitmap.width; // The caller's bitmap is not taken away.
    return {
      bitmap: bitmap.width,
      far: forms.map((_, form) =>
        Math.max(...found.row(form).map((x, i) => Math.abs(x - expected.data[i]!))),
      ),
    };
  });
  expect(far.bitmap).toBe(32);
  for (const one of far.far) expect(one).toBeLessThan(1e-5);
});

test("progress names its phases, never falls, and ends at 1", async ({ tab }) => {
  const seen = await tab.evaluate(async () => {
    const seen: { phase: string; fraction: number | null; fromCache: boolean }[] = [];
    const onProgress = (progress: (typeof seen)[number]) => seen.push(progress);
    await lab.kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu", onProgress });
    return seen;
  });
  const phases = [...new Set(seen.map(({ phase }) => phase))];
  expect(phases).toEqual(["wasm", "checkpoint", "upload", "warmup"]);
  const fractions = seen.map(({ fraction }) => fraction!);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
});

test("engines are shared and end with the last of their users", async ({ tab }) => {
  const workers = await tab.evaluate(async () => {
    const load = () => lab.kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const [first, second] = await Promise.all([load(), load()]);
    await first.dispose();
    await first.dispose();
    const still = (await second.embed(lab.pictures[0]!)).count;
    const code = await lab.codeOf(() => first.embed(lab.pictures[0]!));
    await second.dispose();
    return { still, code };
  });
  expect(workers).toEqual({ still: 1, code: "DISPOSED" });
  await expect.poll(() => tab.workers().length).toBe(0);
});

test("saved artefacts come back, and a probe refuses another encoder", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures, names, parity, codeOf } = lab;
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    const embeddings = await encoder.embed(pictures);
    const index = new kith.KnnIndex(embeddings.dim);
    index.add(
      embeddings,
      names.map((label, i) => ({ id: `picture ${i}`, label })),
    );
    const probe = await kith.trainLinearProbe(embeddings, names).result;
    const pictureFiles = { face: new Blob(["a face"], { type: "image/png" }) };
    const saved = await kith.saveProject({ index, probe, pictures: pictureFiles, settings: [1] });
    const project = await kith.loadProject(saved);
    const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
    const half = await kith.loadEncoder("/parity/half.safetensors", { device: "cpu" });
    return {
      index: same(project.index!.query(embeddings), index.query(embeddings)),
      probe: same(project.probe!.predict(embeddings), probe.predict(embeddings)),
      picture: await project.pictures!.face!.text(),
      settings: project.settings,
      dim: parity.dim === probe.dim,
      other: await codeOf(() => kith.LinearProbe.load(probe.save(), { encoder: half })),
      forced: (await kith.LinearProbe.load(probe.save("json"), { encoder: half, force: true })).dim,
      mixed: await codeOf(async () => index.add(await half.embed(pictures))),
    };
  });
  expect(got).toEqual({
    index: true,
    probe: true,
    picture: "a face",
    settings: [1],
    dim: true,
    other: "ENCODER_MISMATCH",
    forced: 16,
    mixed: "ENCODER_MISMATCH",
  });
});

test("a map is drawn by both methods", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, parity } = lab;
    const embeddings = new kith.Embeddings(new Float32Array(parity.features), parity.dim);
    const phases = new Set<string>();
    const onProgress = ({ phase }: { phase: string }) => phases.add(phase);
    const umap = await kith.project(embeddings, { method: "umap", neighbors: 5, onProgress });
    const again = await kith.project(embeddings, { method: "umap", neighbors: 5 });
    const pca = await kith.project(embeddings, { dims: 3 });
    const finite = [...umap, ...pca].every(Number.isFinite);
    return [umap.length, pca.length, finite, String(umap) === String(again), [...phases]];
  });
  expect(got).toEqual([32, 48, true, true, ["project"]]);
});

test("the build with relaxed SIMD is loaded, and has the numbers of the other", async ({ tab }) => {
  const loaded: string[] = [];
  tab.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  const far = await tab.evaluate(async () => {
    const { kith, pictures } = lab;
    const features = async (more: Kith.LoadOptions) => {
      const from = "/parity/checkpoint.safetensors";
      const encoder = await kith.loadEncoder(from, { device: "cpu", ...more });
      const { data } = await encoder.embed(pictures, { normalize: false });
      await encoder.dispose();
      return [...data];
    };
    const fused = await features({});
    const expected = await features({ wasmUrl: { cpu: "/dist/kith_cpu_bg.wasm" } });
    const size = Math.hypot(...expected);
    return Math.hypot(...expected.map((x, i) => x - fused[i]!)) / size;
  });
  expect(loaded).toContain("/dist/kith_cpu_relaxed_bg.wasm");
  expect(loaded).toContain("/dist/kith_cpu_bg.wasm");
  expect(far).toBeLessThan(1e-5);
});
