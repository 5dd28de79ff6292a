// WebAssembly that is not where it is looked for.
import { expect, test } from "./tab.js";

test.use({ given: [/^http:\/\/127\.0\.0\.1:9\//] });

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("WebAssembly that is missing or out of reach is named, with what to do", async ({ tab }) => {
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
    return [await failure("/nowhere/"), await failure("http://127.0.0.1:9/")];
  }, CHECKPOINT);
  const [missing, unreachable] = got;
  expect(missing?.code).toBe("WASM_FETCH");
  expect(missing?.message).toContain("404");
  expect(missing?.hint).toContain("wasmUrl");
  expect(unreachable?.code).toBe("WASM_FETCH");
});
