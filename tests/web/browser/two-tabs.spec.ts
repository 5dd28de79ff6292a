// Two tabs at once.
import { expect, openTab, test } from "./tab.js";

test("two tabs compute the same at once", async ({ tab, context }) => {
  const other = await context.newPage();
  await openTab(other);
  const embed = async () => {
    const encoder = await lab.kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
    return [...(await encoder.embed(lab.pictures)).data];
  };
  const [one, two] = await Promise.all([tab.evaluate(embed), other.evaluate(embed)]);
  expect(one).toEqual(two);
});
