// What must be the same natively and in a tab, on whatever device.
import { expect, left, test, type Page, type Parity } from "./tab.js";

type Device = "cpu" | "webgpu";

/** What the native test left. */
export const native = (): Parity => JSON.parse(left("parity.json").toString()) as Parity;

const farthest = (got: number[], expected: number[]): number =>
  got.reduce((far, x, i) => Math.max(far, Math.abs(x - expected[i]!)), 0);

const largest = (values: number[]): number => farthest(values, Array(values.length).fill(0));

const cosine = (a: number[], b: number[]): number => {
  const inner = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b));
};

/** Holds an engine, so that what else a test opens computes with it: each engine on software WebGPU takes
 * seconds for its self-test, and compiles all shaders for itself. */
const holdEngine = (tab: Page, device: Device): Promise<void> =>
  tab.evaluate(async (device) => {
    const encoder = await lab.kith.loadEncoder("/parity/checkpoint.safetensors", { device });
    // Nobody collects what the page names.
    Object.assign(globalThis, { held: encoder });
  }, device);

export function parityOn(device: Device): void {
  test(`embeddings and projections on ${device} are the native ones`, async ({ tab }) => {
    const got = await tab.evaluate(async (device) => {
      const { kith, pictures } = lab;
      const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device });
      const rows = async (layer: "backbone" | "projection") => [
        ...(await encoder.embed(pictures, { layer, normalize: false, batchSize: 5 })).data,
      ];
      const { fingerprint } = encoder.info;
      const result = {
        actual: encoder.device.actual,
        passed: encoder.device.selfTest?.passed,
        fingerprint,
        features: await rows("backbone"),
        projections: await rows("projection"),
      };
      await encoder.dispose();
      return result;
    }, device);
    const expected = native();
    expect(got.actual).toBe(device);
    expect(got.passed).toBe(true);
    expect(got.fingerprint).toBe(expected.fingerprint);
    for (const layer of ["features", "projections"] as const) {
      const bound = 1e-4 * largest(expected[layer]);
      expect(farthest(got[layer], expected[layer])).toBeLessThan(bound);
      const dim = got[layer].length / expected.count;
      for (let picture = 0; picture < expected.count; picture += 1) {
        const row = (of: number[]) => of.slice(picture * dim, (picture + 1) * dim);
        expect(cosine(row(got[layer]), row(expected[layer]))).toBeGreaterThan(0.9999);
      }
    }
  });

  test(`encoders of other kinds on ${device} embed as natively`, async ({ tab }) => {
    await holdEngine(tab, device);
    for (const expected of native().encoders) {
      const got = await tab.evaluate(
        async ({ device, name }) => {
          const { kith, pictures } = lab;
          const from = `/parity/encoder-${name}.safetensors`;
          const encoder = await kith.loadEncoder(from, { device });
          const embedded = await encoder.embed(pictures, { normalize: false, batchSize: 5 });
          const { fingerprint, dim, arch, encoder: settings, parameters } = encoder.info;
          await encoder.dispose();
          const facts = { fingerprint, dim, parameters, kind: settings.kind };
          return { ...facts, arch, features: [...embedded.data] };
        },
        { device, name: expected.name },
      );
      expect(got.arch).toBe(expected.name.split("-")[0]);
      expect(got.kind).toBe(got.arch);
      expect(got.fingerprint).toBe(expected.fingerprint);
      expect(got.dim).toBe(expected.dim);
      expect(got.parameters).toBe(expected.parameters);
      const bound = 1e-4 * largest(expected.features);
      expect(farthest(got.features, expected.features), expected.name).toBeLessThan(bound);
    }
  });

  test(`files of other software's on ${device} embed as natively`, async ({ tab }) => {
    const { foreign } = native();
    await holdEngine(tab, device);
    expect(foreign).toHaveLength(7);
    for (const expected of foreign) {
      const got = await tab.evaluate(
        async ({ device, name }) => {
          const { kith, parity, planar } = lab;
          const { told, side, count, pixels } = parity.foreign.find((one) => one.name === name)!;
          const { set, ...rest } = told;
          const changes = set?.map((change) => change.split("=") as [string, string]);
          const from = `/parity/foreign-${name}.safetensors`;
          const encoder = await kith.loadEncoder(from, {
            device,
            import: { ...rest, ...(changes && { set: Object.fromEntries(changes) }) },
          });
          const embedded = await encoder.embed(planar(pixels, count, side), { normalize: false });
          const { fingerprint, dim, imported, origin } = encoder.info;
          const { actual } = encoder.device;
          await encoder.dispose();
          return { actual, fingerprint, dim, imported, origin, features: [...embedded.data] };
        },
        { device, name: expected.name },
      );
      expect(got.actual).toBe(device);
      expect(got.fingerprint).toBe(expected.fingerprint);
      expect(got.dim).toBe(expected.dim);
      expect(got.imported).toEqual(expected.imported);
      expect(got.origin?.network).toBe(expected.origin?.network);
      const bound = 1e-3 * largest(expected.features);
      expect(farthest(got.features, expected.features), expected.name).toBeLessThan(bound);
    }
  });

  test(`a checkpoint in half precision embeds nearly the same on ${device}`, async ({ tab }) => {
    const got = await tab.evaluate(async (device) => {
      const { kith, pictures } = lab;
      const encoder = await kith.loadEncoder("/parity/half.safetensors", { device });
      const { data } = await encoder.embed(pictures, { normalize: false });
      return { dtype: encoder.info.dtype, features: [...data] };
    }, device);
    const { features } = native();
    expect(got.dtype).toBe("f16");
    expect(farthest(got.features, features)).toBeLessThan(1e-2 * largest(features));
  });

  test(`augmented views on ${device} have the native pixels`, async ({ tab }) => {
    const few = ["simclr", "byol", "fixmatch-strong", "relational-finetune"];
    const policies = device === "cpu" ? native().views.map((view) => view.policy) : few;
    // A point on the edge between two pixels or levels is rounded by a GPU as it likes.
    const undecided = device === "cpu" ? 0 : 2e-3;
    for (const policy of policies) {
      const share = await tab.evaluate(
        async ({ device, policy }) => {
          const { kith, parity, pictures } = lab;
          const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", {
            device,
            warmup: false,
          });
          const { seed, image, views, pixels } = parity.views.find((v) => v.policy === policy)!;
          const seen = await encoder.augment(pictures[0]!, { preset: policy, seed, image, views });
          const area = parity.side ** 2;
          let others = 0;
          pixels.forEach((expected, i) => {
            const [view, plane, place] = [
              Math.floor(i / (3 * area)),
              Math.floor(i / area) % 3,
              i % area,
            ];
            others += Number(Math.abs(seen[view]!.data[4 * place + plane]! - expected) > 1);
          });
          return others / pixels.length;
        },
        { device, policy },
      );
      expect(share, policy).toBeLessThanOrEqual(undecided);
    }
  });

  test(`the support set's neighbours on ${device} are the native ones`, async ({ tab }) => {
    const got = await tab.evaluate(async (device) => {
      const { kith, pictures, parity } = lab;
      const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device });
      const projections = await encoder.embed(pictures, { layer: "projection", normalize: false });
      const found = await encoder.supportNeighbors(projections, { k: parity.support.k });
      return found.flat();
    }, device);
    const { support } = native();
    expect(got.map(({ index }) => index)).toEqual(support.indices);
    expect(
      farthest(
        got.map((n) => n.similarity),
        support.similarities,
      ),
    ).toBeLessThan(1e-4);
  });

  // Many neighbours come from products, few from a pass over the rows; each row of these ends otherwise.
  for (const [dim, k] of [
    [24, 40],
    [24, 10],
    [75, 10],
    [128, 5],
  ] as const) {
    test(`a bank on ${device} finds ${k} of ${dim} numbers as a plain index does`, async ({
      tab,
    }) => {
      const same = await tab.evaluate(
        async ({ device, dim, k }) => {
          const { kith } = lab;
          const count = 702;
          const rows = Float32Array.from({ length: count * dim }, (_, i) =>
            Math.sin(i * 1.7 + (i % 7)),
          );
          const embeddings = new kith.Embeddings(rows, dim);
          const bank = await kith.Bank.create(embeddings, { device });
          const index = new kith.KnnIndex(dim);
          index.add(embeddings);
          const queries = embeddings.select([3, 77, 701]);
          const found = await bank.nearest(queries, { k });
          const expected = index.query(queries, { k }).flat();
          const far = expected.map(({ similarity }, i) =>
            Math.abs(similarity - found.similarities[i]!),
          );
          const own = [0, 1, 2].map((query) => found.indices[query * k]);
          await bank.dispose();
          return { far: Math.max(...far), own, k: found.k };
        },
        { device, dim, k },
      );
      expect(same.far).toBeLessThan(1e-5);
      expect(same.own).toEqual([3, 77, 701]);
      expect(same.k).toBe(k);
    });
  }

  test(`a linear probe on ${device} is the native one`, async ({ tab }) => {
    const got = await tab.evaluate(async (device) => {
      const { kith, parity, names } = lab;
      const rows = new Float32Array(parity.features);
      const embeddings = new kith.Embeddings(rows, parity.dim);
      const run = kith.trainLinearProbe(embeddings, names, { device });
      const tried: [number, number, number][] = [];
      for await (const event of run) {
        if (event.type === "strength") tried.push([event.strength, event.loss, event.accuracy]);
      }
      const { strength } = parity.probe;
      const given = kith.trainLinearProbe(embeddings, names, { device, strength });
      const { weight, labels } = await given.result;
      return { tried, weight: [...weight], labels };
    }, device);
    const { probe, dim } = native();
    expect(got.tried).toHaveLength(probe.tried.length);
    probe.tried.forEach(([strength, loss, accuracy], place) => {
      const [gotStrength, gotLoss, gotAccuracy] = got.tried[place]!;
      expect(gotStrength).toBe(strength);
      expect(Math.abs(gotLoss - loss)).toBeLessThan(1e-3 * loss);
      expect(gotAccuracy).toBe(accuracy);
    });
    // Class names are sorted in the package; natively they stand in their own order.
    const order = ["one", "two", "three"].map((name) => got.labels.indexOf(name));
    const weight = order.flatMap((row) => got.weight.slice(row * dim, (row + 1) * dim));
    expect(farthest(weight, probe.weight)).toBeLessThan(1e-3 * largest(probe.weight));
  });

  test(`five steps of pre-training on ${device} are the native ones, also after a reload`, async ({
    tab,
  }) => {
    const got = await tab.evaluate(async (device) => {
      const { kith, parity, pictures } = lab;
      const { toml, plan, labels } = parity.pretraining;
      // Sorted names, so that classes have their native numbers.
      const named = labels.map((label) => "abc"[label]!);
      const config = {
        device,
        recipe: toml,
        imageSize: parity.side,
        seed: plan.seed,
        stepsPerEpoch: plan.steps,
        epochs: plan.epochs,
        labels: named,
      };
      const steps: Record<string, number>[] = [];
      const first = await kith.pretrain(pictures, config);
      const keep = ({
        loss,
        metrics,
      }: {
        loss: number;
        metrics: Readonly<Record<string, number>>;
      }) => steps.push({ loss, ...metrics });
      for await (const step of first.steps(3)) keep(step);
      const state = await first.state();
      await first.dispose();
      const second = await kith.resumePretraining(state, pictures, { device, labels: named });
      for await (const step of second.steps(2)) keep(step);
      const checkpoint = await second.checkpoint();
      const encoder = await kith.loadEncoder(checkpoint, { device });
      return { steps, classNames: encoder.info.classNames, at: encoder.info.steps };
    }, device);
    const { steps } = native().pretraining;
    expect(got.at).toBe(5);
    expect(got.classNames).toEqual(["a", "b", "c"]);
    steps.forEach((expected, step) => {
      for (const name of ["loss", "probe_loss"]) {
        const [own, theirs] = [got.steps[step]![name]!, expected[name]!];
        expect(Math.abs(own - theirs), `${name} of step ${step}`).toBeLessThan(1e-3 * theirs);
      }
    });
  });

  // A software adapter needs ten seconds for each: there, methods with all that the others have, too.
  // Native tests compare all on wgpu.
  const onSoftware = ["byol", "swav", "lejepa"];
  const which = device === "cpu" ? "every method" : onSoftware.join(", ");

  test(`${which} on ${device}: the native training steps, also after a reload`, async ({ tab }) => {
    const { methods, pretraining } = native();
    await holdEngine(tab, device);
    const here = methods.filter(({ name }) => device === "cpu" || onSoftware.includes(name));
    for (const { name, toml, steps } of here) {
      const got = await tab.evaluate(
        async ({ device, toml, plan }) => {
          const { kith, parity, pictures } = lab;
          const labels = parity.pretraining.labels.map((label) => "abc"[label]!);
          const first = await kith.pretrain(pictures, {
            device,
            recipe: toml,
            imageSize: parity.side,
            seed: plan.seed,
            stepsPerEpoch: plan.steps,
            epochs: plan.epochs,
            labels,
          });
          const losses: number[] = [];
          for await (const { loss } of first.steps(2)) losses.push(loss);
          const state = await first.state();
          await first.dispose();
          const second = await kith.resumePretraining(state, pictures, { device, labels });
          for await (const { loss } of second.steps(2)) losses.push(loss);
          await second.dispose();
          return losses;
        },
        { device, toml, plan: pretraining.plan },
      );
      expect(got, name).toHaveLength(4);
      // The third step is the first after the reload. In the fourth, rounding may decide which of two
      // views of an image is the nearest neighbour, and norms over eight images blow it up.
      got.slice(0, 3).forEach((loss, step) => {
        const expected = steps[step]!["loss"]!;
        const far = Math.abs(loss - expected) / Math.max(1, Math.abs(expected));
        expect(far, `${name}, step ${step}: ${loss} for ${expected}`).toBeLessThan(1e-3);
      });
    }
  });
}
