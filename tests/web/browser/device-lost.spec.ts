import { expect, test } from "./tab.js";

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

test("pre-training goes on after a loss as if nothing had happened", async ({ tab }) => {
  const losses = await tab.evaluate(async () => {
    const { kith, pictures } = lab;
    const set = {
      "encoder.width": 4,
      "pretraining.unlabelled_batch": 4,
      "pretraining.views": "none",
    };
    const config = { recipe: "simclr", set, stepsPerEpoch: 4, epochs: 1, snapshotEvery: 2 };
    const channel = new BroadcastChannel("lose");
    const worker = () => new Worker("/pages/losable.js", { type: "module" });
    const of = async (lost: number, waitMs = 300) => {
      const run = await kith.pretrain(pictures, { ...config, device: "webgpu", worker });
      const losses: number[] = [];
      for await (const { step, loss } of run.steps()) {
        losses.push(loss);
        if (step === lost) channel.postMessage("now");
        if (step === lost) await new Promise((done) => setTimeout(done, waitMs));
      }
      await run.dispose();
      return losses;
    };
    // Between two steps, and in the middle of one.
    return [await of(0), await of(3), await of(2, 0)];
  });
  for (const after of losses.slice(1)) {
    expect(after).toHaveLength(4);
    losses[0]!.forEach((loss, step) => {
      expect(Math.abs(after[step]! - loss)).toBeLessThan(1e-4 * loss);
    });
  }
});
