/** What a run of pre-training is asked for: checked, and as the backend takes it. */
import { loadBytes, nameOf } from "./bytes.js";
import { changesOf, engineOptions, text, whole } from "./checks.js";
import { describe } from "./describe.js";
import type { EngineRef } from "./engine-ref.js";
import { KithError } from "./errors.js";
import { toldOf } from "./import-options.js";
import { classesOf } from "./labels.js";
import { MOST_SIDE } from "./squares.js";
import type { PretrainConfig } from "./types.js";
import { MODULE } from "./wasm-module.js";

/** The most that a run may ask for: the order of an epoch's pictures must fit in memory. */
const MOST = { steps: 100_000, epochs: 1_000_000 };

/** Everything about a run that can be known to be wrong before pictures are decoded. */
export function checkConfig(config: PretrainConfig): void {
  const { recipe, imageSize, seed, stepsPerEpoch, epochs } = engineOptions(config);
  const { labels, domains, snapshotEvery, dataset } = config;
  if (recipe !== undefined) text("recipe", recipe);
  toldOf(config.import);
  if (imageSize !== undefined) whole("imageSize", imageSize, 1, MOST_SIDE);
  if (seed !== undefined) whole("seed", seed, 0);
  if (stepsPerEpoch !== undefined) whole("stepsPerEpoch", stepsPerEpoch, 1, MOST.steps);
  if (epochs !== undefined) whole("epochs", epochs, 1, MOST.epochs);
  if (snapshotEvery !== undefined) whole("snapshotEvery", snapshotEvery, 0);
  if (dataset !== undefined) text("dataset", dataset);
  if (labels !== undefined) classesOf(labels, "allowed");
  if (domains !== undefined) classesOf(domains, "refused", "domain");
  changesOf(config.set);
}

/** Changes to the recipe as on the command line; without labels there is no labelled batch. */
export function recipeChanges(config: PretrainConfig, classNames: readonly string[]): string[] {
  const own = changesOf(config.set);
  return classNames.length > 1 ? own : [...own, "pretraining.labelled_batch=0"];
}

/** What a run begins with. */
export interface Start {
  /** The bytes of a file of weights; none for fresh ones. */
  readonly from: Uint8Array | undefined;
  /** What a plan says of it; a side of 0 is the encoder's. */
  readonly plan: { readonly side: number; readonly file: string; readonly told?: string };
}

/** The file that a run begins with, if one is asked for. Errors: `SETTING`, `CHECKPOINT_HTTP`. */
export async function startOf(config: PretrainConfig): Promise<Start> {
  const { from: source, imageSize } = config;
  if (source === undefined) {
    if (config.import !== undefined) {
      throw new KithError("SETTING", "import tells of a file of weights: expected from, got none");
    }
    return { from: undefined, plan: { side: imageSize ?? 32, file: "" } };
  }
  const told = toldOf(config.import);
  const { bytes } = await loadBytes(source, config);
  const plan = {
    side: imageSize ?? 0,
    file: nameOf(source),
    ...(told && { told: JSON.stringify(told) }),
  };
  return { from: bytes, plan };
}

/** The text of a recipe, given by its name or as such; the first one where none is given. */
export async function recipeText(engine: EngineRef, given: string | undefined): Promise<string> {
  const known = await engine.invokeAgain(MODULE, "recipes", []);
  const recipe = given ?? known[0]!.name;
  const found = known.find(({ name }) => name === recipe);
  if (found) return found.toml;
  if (recipe.includes("=")) return recipe;
  const names = known.map(({ name }) => name).join(", ");
  throw new KithError(
    "SETTING",
    `no recipe is called ${describe(recipe)}: expected one of ${names}, or a text`,
  );
}
