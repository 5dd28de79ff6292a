// A GPU that is taken away: it is opened once more, then the CPU takes over, with the same results. KITH_LOSSES=full
// takes software WebGPU away from all phases, not from a few.
import { expect, test, type Page } from "./tab.js";

/** Software WebGPU shares the processor with whatever else runs. */
test.setTimeout(900_000);

const full = process.env.KITH_LOSSES === "full";

interface Outcome {
  /** What the work gave, and what it gave when it was done once more. */
  readonly numbers: number[][];
  /** Devices that the caller was told of, where there is a way. */
  readonly told?: string[];
  readonly devices: (string | undefined)[];
  readonly lost: number;
}

/** Calls what /pages/phases.js has. */
const inTab = <R>(tab: Page, name: string, ...given: unknown[]): Promise<R> =>
  tab.evaluate(
    async ({ name, given }) => {
      const script = "/pages/phases.js";
      return (await import(script))[name](...given);
    },
    { name, given },
  ) as Promise<R>;

/** The largest difference, as a part of the largest number. */
function far(found: number[], expected: number[]): number {
  if (found.length !== expected.length) return Infinity;
  const most = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const off = found.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
  return off === 0 ? 0 : off / most;
}

/** Everything that was lost was told of once, and what computes then is what was told of last. */
function expectTold({ told, devices, lost }: Outcome, opens: boolean): void {
  if (told) expect(told).toEqual(["webgpu", "cpu"].slice(0, lost));
  const last = lost > 1 ? "cpu" : "webgpu";
  if (devices[0] !== undefined) expect(devices).toEqual(opens ? ["webgpu"] : ["webgpu", last]);
}

test("a lost device is rebuilt once, then the CPU takes over, with the same results", async ({
  tab,
}) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures } = lab;
    const worker = () => new Worker("/pages/losable.js", { type: "module" });
    const channel = new BroadcastChannel("lose");
    const lose = async () => {
      channel.postMessage("now");
      await new Promise((done) => setTimeout(done, 300));
    };
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", {
      device: "webgpu",
      worker,
    });
    const told: string[] = [];
    encoder.onDeviceLost(({ actual, reason }) => told.push(`${actual} ${reason ?? ""}`.trim()));
    const before = await encoder.embed(pictures);
    await lose();
    const after = await encoder.embed(pictures);
    await lose();
    const last = await encoder.embed(pictures);
    const far = (rows: typeof before) =>
      Math.max(...rows.data.map((x, i) => Math.abs(x - before.data[i]!)));
    return { told, far: [far(after), far(last)], device: encoder.device };
  });
  expect(got.told).toEqual(["webgpu", "cpu device-lost"]);
  expect(got.device.actual).toBe("cpu");
  expect(got.device.reason).toBe("device-lost");
  for (const far of got.far) expect(far).toBeLessThan(1e-5);
});

test("where a GPU does not come back, all that wait for it go on on the CPU", async ({ tab }) => {
  const got = await tab.evaluate(async () => {
    const { kith, pictures } = lab;
    const pages = ["losable.js", "no-device.js"];
    const worker = () => new Worker(`/pages/${pages.shift() ?? "slow.js"}`, { type: "module" });
    const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", {
      device: "webgpu",
      worker,
    });
    const before = await encoder.embed(pictures[0]!);
    const told: string[] = [];
    encoder.onDeviceLost(({ actual }) => told.push(actual));
    new BroadcastChannel("lose").postMessage({ id: 0, after: 7 });
    await new Promise((done) => setTimeout(done, 100));
    const all = await Promise.all([
      encoder.embed(pictures[0]!),
      encoder.embed(pictures, { batchSize: 4 }),
      encoder.augment(pictures[0]!),
    ]);
    const off = before.data.map((x, i) => Math.abs(x - all[0].data[i]!));
    return { told, far: Math.max(...off), counts: [all[1].count, all[2].length] };
  });
  expect(got.told).toEqual(["cpu"]);
  expect(got.far).toBeLessThan(1e-5);
  expect(got.counts).toEqual([16, 2]);
});

test("wherever a device is lost, the numbers are those of an undisturbed run to the bit", async ({
  tab,
}) => {
  const page = "taken-away.js";
  let [losses, phases] = [0, 0];
  for (const [name, opens] of await inTab<[string, boolean][]>(tab, "names")) {
    const { numbers, asked } = await inTab<{ numbers: number[][]; asked: number }>(
      tab,
      "undisturbed",
      name,
      page,
    );
    expect(asked, name).toBeGreaterThan(0);
    phases += 1;
    for (let after = 0; after < asked; after += 1) {
      await test.step(`${name}, call ${after} of ${asked}`, async () => {
        const got = await inTab<Outcome>(tab, "disturbed", name, page, after);
        expect(got.lost).toBeGreaterThan(0);
        got.numbers.forEach((all, time) => expect(far(all, numbers[time]!)).toBe(0));
        expectTold(got, opens);
        losses += got.lost;
      });
    }
  }
  console.log(`${losses} losses in ${phases} phases`);
});

/** What there is time for in every test run. */
const FEW = ["an encoder is opened", "pictures are embedded", "pre-training takes steps"];

test("a GPU that is taken away in the middle of work changes nothing", async ({ tab }) => {
  test.setTimeout(3_600_000);
  for (const [name, opens] of await inTab<[string, boolean][]>(tab, "names")) {
    if (!full && !FEW.includes(name)) continue;
    await test.step(name, async () => {
      const page = "losable.js";
      const { numbers, asked } = await inTab<{ numbers: number[][]; asked: number }>(
        tab,
        "undisturbed",
        name,
        page,
      );
      const after = Math.min(opens ? 60 : 7, Math.max(asked - 1, 0));
      const got = await inTab<Outcome>(tab, "disturbed", name, page, after);
      expect(got.lost > 0).toBe(asked > 0);
      const off = got.numbers.map((all, time) => far(all, numbers[time]!));
      console.log(
        `${name}: ${got.lost} losses after ${after} of ${asked}, off by ${off.join(" and ")}`,
      );
      for (const one of off) expect(one).toBeLessThan(1e-3);
      expectTold(got, opens);
    });
  }
});
