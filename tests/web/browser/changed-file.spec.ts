// Files that change on the disk after they were chosen, as folders do that are kept in step elsewhere.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, left, test } from "./tab.js";

test("a file that changed after it was chosen is named, by every reader", async ({ tab }) => {
  const folder = mkdtempSync(join(tmpdir(), "kith-web-"));
  const file = join(folder, "chosen.safetensors");
  writeFileSync(file, left("checkpoint.safetensors"));
  await tab.setContent('<input type="file">');
  await tab.setInputFiles("input", file);
  const read = () =>
    tab.evaluate(async () => {
      const { kith, pictures, codeOf } = lab;
      const chosen = document.querySelector("input")!.files![0]!;
      const encoder = await kith.loadEncoder("/parity/checkpoint.safetensors", { device: "cpu" });
      return {
        encoder: await codeOf(async () => (await kith.loadEncoder(chosen)).info.dim),
        handle: await codeOf(() =>
          kith.loadEncoder({ getFile: async () => chosen } as FileSystemFileHandle),
        ),
        index: await codeOf(() => kith.KnnIndex.load(chosen)),
        probe: await codeOf(() => kith.LinearProbe.load(chosen)),
        project: await codeOf(() => kith.loadProject(chosen)),
        picture: await codeOf(() => encoder.embed([pictures[0]!, chosen])),
        saved: await codeOf(async () =>
          (await kith.saveProject({ pictures: { chosen } })).size > 1000
            ? "all of it"
            : "too little",
        ),
      };
    });
  const before = await read();
  appendFileSync(file, "changed");
  const after = await read();
  rmSync(folder, { recursive: true });
  expect(before).toMatchObject({ encoder: "no error but 16", index: "FILE_FORMAT" });
  expect(before.saved).toBe('no error but "all of it"');
  expect(after).toEqual({
    encoder: "CHECKPOINT_HTTP",
    handle: "CHECKPOINT_HTTP",
    index: "CHECKPOINT_HTTP",
    probe: "CHECKPOINT_HTTP",
    project: "CHECKPOINT_HTTP",
    picture: "IMAGE_DECODE",
    saved: "FILE_FORMAT",
  });
});
