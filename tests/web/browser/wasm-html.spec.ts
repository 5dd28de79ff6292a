// Servers that answer with something else than WebAssembly.
import { expect, test } from "./tab.js";

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("a page in place of WebAssembly is named, and why it came", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    try {
      await lab.kith.loadEncoder(from, { device: "cpu", wasmUrl: "/page-instead/" });
      return null;
    } catch (error) {
      const { code, message } = error as InstanceType<typeof lab.kith.KithError>;
      return { code, message };
    }
  }, CHECKPOINT);
  expect(got?.code).toBe("WASM_FETCH");
  expect(got?.message).toContain("got a page (text/html)");
  expect(got?.message).toContain("bundler");
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
