// Every public entry with values that it should never get, where they have to cross to a worker.
import { expect, test } from "./tab.js";

test("every entry fails with a KithError or not at all, and the worker goes on", async ({
  tab,
}) => {
  const faults = await tab.evaluate(async () => {
    const script = "/tests/hostile.mjs";
    const { held, entriesOf, faultsOf } = await import(script);
    const own = await held(lab.kith);
    const found: Record<string, string[]> = {};
    for (const [name, entry] of Object.entries(entriesOf(own))) {
      const faults = await faultsOf(name, entry, own);
      if (faults.length > 0) found[name] = faults;
    }
    return found;
  });
  expect(faults).toEqual({});
});
