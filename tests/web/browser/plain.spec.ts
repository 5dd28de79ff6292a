// Browsers without relaxed SIMD load the other build for the CPU.
import { parityOn } from "./parity.js";
import { expect, test } from "./tab.js";

let loaded = 0;

// A browser that has it cannot be told to do without, so it gets that build under the name of its own.
test.beforeEach(async ({ context }) => {
  loaded = 0;
  await context.route("**/dist/kith_cpu_relaxed_bg.wasm", (route) => {
    loaded += 1;
    return route.fulfill({ path: "../web/dist/kith_cpu_bg.wasm" });
  });
});

test.afterEach(() => expect(loaded).toBeGreaterThan(0));

parityOn("cpu");
