// Pictures, settings and labels that cannot be.
import { expect, test } from "./tab.js";

const CHECKPOINT = "/parity/checkpoint.safetensors";

test("pictures that are none are named by their place", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    const { kith, pictures } = lab;
    const encoder = await kith.loadEncoder(from, { device: "cpu" });
    const closed = await createImageBitmap(new ImageData(4, 4));
    closed.close();
    const empty = document.createElement("canvas");
    empty.width = 0;
    const wrong = [
      new Blob(["hello"], { type: "image/png" }),
      "/parity/nothing.png",
      { data: new Uint8Array(5), width: 2, height: 2, channels: 3 as const },
      { ...pictures[0]!, data: Float32Array.from(pictures[0]!.data) as never },
      new Image(),
      document.createElement("video"),
      document.body as never,
      document.getElementById("nothing") as never,
      closed,
      empty,
    ];
    const said = [];
    for (const one of wrong) {
      try {
        await encoder.embed([pictures[0]!, one]);
        said.push("no error");
      } catch (error) {
        const { code, message } = error as InstanceType<typeof kith.KithError>;
        said.push(`${code} ${message.slice(0, 9)}`);
      }
    }
    return said;
  }, CHECKPOINT);
  expect(got).toEqual(Array(10).fill("IMAGE_DECODE picture 1"));
});

test("settings and labels that cannot be are named", async ({ tab }) => {
  const got = await tab.evaluate(async (from) => {
    const { kith, pictures, names, parity, codeOf } = lab;
    const encoder = await kith.loadEncoder(from, { device: "cpu" });
    const embeddings = await encoder.embed(pictures);
    const recipe = parity.pretraining.toml;
    const device = "cpu";
    const one = names.map(() => "one");
    return {
      preset: await codeOf(() => encoder.augment(pictures[0]!, { preset: "nonesuch" })),
      op: await codeOf(() =>
        encoder.augment(pictures[0]!, { ops: [{ op: "flip", probability: 7 }] }),
      ),
      recipe: await codeOf(() => kith.pretrain(pictures, { device, recipe: "nonesuch" })),
      key: await codeOf(() => kith.pretrain(pictures, { device, set: { "a.b": 1 } })),
      side: await codeOf(() => kith.pretrain(pictures, { device, recipe, imageSize: 8 })),
      few: await codeOf(() => kith.pretrain(pictures.slice(0, 3), { device, recipe })),
      labels: await codeOf(() => kith.trainLinearProbe(embeddings, ["one"]).result),
      classes: await codeOf(() => kith.trainLinearProbe(embeddings, one).result),
      strength: await codeOf(
        () => kith.trainLinearProbe(embeddings, names, { strength: -1 }).result,
      ),
      large: await codeOf(() => {
        const far = new kith.Embeddings(
          embeddings.data.map((x) => x * 1e38),
          embeddings.dim,
        );
        return kith.trainLinearProbe(far, names).result;
      }),
      dim: await codeOf(() => new kith.KnnIndex(5).query(embeddings)),
      index: await codeOf(() => kith.KnnIndex.load(new Uint8Array(20))),
    };
  }, CHECKPOINT);
  expect(got).toEqual({
    preset: "SETTING",
    op: "SETTING",
    recipe: "SETTING",
    key: "SETTING",
    side: "SETTING",
    few: "TOO_FEW_EXAMPLES",
    labels: "DIM_MISMATCH",
    classes: "TOO_FEW_EXAMPLES",
    strength: "SETTING",
    large: "SETTING",
    dim: "DIM_MISMATCH",
    index: "FILE_FORMAT",
  });
});
