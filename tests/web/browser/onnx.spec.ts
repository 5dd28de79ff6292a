// What `kith export --onnx` writes gives the native features in another runtime, from a canvas's bytes.
import { native } from "./parity.js";
import { expect, test } from "./tab.js";

type Runtime = typeof import("onnxruntime-web");

test("every encoder gives its features in onnxruntime-web", async ({ tab }) => {
  const { side, count, pixels, encoders } = native();
  const plane = side * side;
  const rgba = Array.from({ length: count * plane * 4 }, (_, k) => {
    const [channel, pixel] = [k % 4, Math.floor(k / 4)];
    const [image, place] = [Math.floor(pixel / plane), pixel % plane];
    return channel === 3 ? 255 : pixels[(image * 3 + channel) * plane + place]!;
  });
  const names = encoders.map(({ name }) => name);
  const found = await tab.evaluate(
    async ({ names, rgba, shape }) => {
      const url = "/onnxruntime/ort.wasm.min.mjs";
      const { InferenceSession, Tensor, env } = (await import(url)) as Runtime;
      env.wasm.numThreads = 1;
      const features: number[][] = [];
      for (const name of names) {
        const session = await InferenceSession.create(`/parity/encoder-${name}.onnx`);
        const images = new Tensor("uint8", Uint8Array.from(rgba), shape);
        const { pooler_output } = await session.run({ pixels: images });
        features.push([...(pooler_output!.data as Float32Array)]);
        await session.release();
      }
      return features;
    },
    { names, rgba, shape: [count, side, side, 4] },
  );
  expect(found.length).toBeGreaterThan(8);
  encoders.forEach(({ name, features }, place) => {
    const largest = Math.max(...features.map(Math.abs));
    const far = features.map((x, k) => Math.abs(x - found[place]![k]!));
    expect(found[place], name).toHaveLength(features.length);
    expect(Math.max(...far), name).toBeLessThan(1e-5 * largest);
  });
});
