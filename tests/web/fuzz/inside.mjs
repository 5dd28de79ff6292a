// Readers that the package and the page keep to themselves, built from their sources.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

// The page's own module of the package: what it saves must be of that.
const contents = `
export { sameSource, lossesIn, withNote } from "./web/src/state.ts";
export { runFile } from "./web/src/run-file.ts";
export { LossHistory } from "./web/src/loss-history.ts";
export { File, headed } from "./web/src/safetensors.ts";
export { csv } from "./www/src/files.ts";
export { projectFile, openProjectFile } from "./www/src/project-file.ts";
export { KnnIndex as PageIndex } from "kith-web";
`;

const root = fileURLToPath(new URL("../../..", import.meta.url));
const { outputFiles } = await build({
  stdin: { contents, resolveDir: root },
  alias: { "kith-web": `${root}web/dist/node.js` },
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
  mainFields: ["module", "main"],
  external: ["./kith_*"],
  target: "es2022",
});
const script = Buffer.from(outputFiles[0].contents).toString("base64");
export const inside = await import(`data:text/javascript;base64,${script}`);
