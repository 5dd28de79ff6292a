// Files of any content are read as they were written; damaged ones give an error with a code, or what
// can be written and read again, in no more memory than some times the file.
// KITH_FUZZ says how many of each are tried, KITH_FUZZ_SEED which.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { counted } from "../fuzz/memory.mjs";
import { damage, damaged } from "../fuzz/damage.mjs";

// After memory.mjs: what they make is counted.
const { readersOf, wasmReadersOf } = await import("../fuzz/readers.mjs");
const { made } = await import("../codes.mjs");
const kith = await import("../../../web/dist/node.js");

const asked = (name, otherwise) => {
  const number = Number(process.env[name] ?? otherwise);
  assert.ok(Number.isSafeInteger(number) && number > 0, `${name}: expected a whole number`);
  return number;
};
const options = {
  numRuns: asked("KITH_FUZZ", 100),
  seed: asked("KITH_FUZZ_SEED", 1),
  timeout: 20_000,
};

/** Bytes of arrays that a reader may make for each of a file's. */
const TIMES = 16;

const readers = { ...readersOf(kith), ...wasmReadersOf(await made(kith)) };
for (const [name, reader] of Object.entries(readers)) {
  const {
    values,
    write,
    read,
    seen,
    sound,
    codes,
    form,
    beside = 4096,
    runs = options.numRuns,
  } = reader;
  const same = async (made) => {
    const bytes = await write(made);
    assert.deepEqual(await seen(await read(bytes)), await seen(made));
  };

  test(`${name} is read as it was written`, async () => {
    await fc.assert(fc.asyncProperty(values, same), { ...options, numRuns: runs });
  });

  if (!codes) continue;
  test(`${name} that is damaged is an error, or can be written again`, async (context) => {
    let taken = 0;
    const property = async (made, how) => {
      const file = damaged(await write(made), how, form);
      const [result, bytes] = await counted(() => outcome(() => read(file)));
      assert.ok(bytes <= TIMES * file.length + beside, `${bytes} for ${file.length}`);
      if ("value" in result) {
        await same(result.value);
        assert.ok(sound(result.value), "what is read has the types that it is said to have");
        taken += 1;
        return;
      }
      const { error } = result;
      const own = error.name === "KithError" && error.hint && codes.includes(error.code);
      assert.ok(own, `expected ${codes.join(" or ")}, got ${error.stack}`);
    };
    await fc.assert(fc.asyncProperty(values, damage, property), options);
    context.diagnostic(`${options.numRuns} damaged, ${taken} of them readable`);
  });
}

async function outcome(work) {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}
