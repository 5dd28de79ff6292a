/**
 * kith-web, in a browser and in Node.
 *
 * @module kith-web
 */
import { withEngine } from "./engine.js";
import type { AugmentationOp, EngineOptions, RecipeInfo } from "./types.js";
import { MODULE } from "./wasm-module.js";

export { Bank } from "./bank.js";
export type { BankOptions } from "./bank.js";
export { checkpointCache } from "./cache.js";
export { cleanUp } from "./clean-up.js";
export type { CleanUpOptions } from "./clean-up.js";
export { probeDevice } from "./device.js";
export type { DeviceOptions } from "./device.js";
export { Embeddings } from "./embeddings.js";
export type { AugmentOptions, EmbedOptions, Encoder, SupportNeighbor } from "./encoder.js";
export { KithError } from "./errors.js";
export { trainLinearProbe } from "./fit.js";
export type { TrainRun } from "./fit.js";
export { KnnIndex } from "./knn.js";
export type { KnnItem, KnnOptions, KnnVote } from "./knn.js";
export { loadEncoder } from "./load.js";
export { LabelPool } from "./label-pool.js";
export { kMeans, measure } from "./measures.js";
export type { KMeansOptions } from "./measures.js";
export { exportOnnx } from "./onnx.js";
export type { OnnxOptions } from "./onnx.js";
export { pretrain, resumePretraining } from "./pretraining.js";
export type { Pretraining } from "./pretraining.js";
export type { TrainingRun } from "./training-run.js";
export { LinearProbe } from "./probe.js";
export { readRecord, replay } from "./replay.js";
export type { Replay, ReplayConfig } from "./replay.js";
export { readRunFile } from "./run-file.js";
export { decodeRecord, encodeRecord } from "./run-code.js";
export { resumeSemiSupervised, trainSemiSupervised } from "./semi-supervised.js";
export type { SemiSupervised } from "./semi-supervised.js";
export { loadProject, saveProject } from "./project.js";
export type { Project } from "./project.js";
export { project } from "./projection.js";
export type { ProjectOptions } from "./projection.js";
export { wasmFile } from "./wasm-file.js";
export type { WasmFile } from "./wasm-file.js";
export type * from "./types.js";

/** The augmentation policies that have a name, and their operations. */
export async function policies(
  options: EngineOptions = {},
): Promise<Readonly<Record<string, readonly AugmentationOp[]>>> {
  return withEngine(options, async (engine) => {
    const names = await engine.invokeAgain(MODULE, "policies", []);
    const ops = await Promise.all(
      names.map((name) => engine.invokeAgain(MODULE, "policy", [name])),
    );
    return Object.fromEntries(names.map((name, place) => [name, ops[place]!]));
  });
}

/** The recipes that come with kith, by name: their text. */
export async function recipes(
  options: EngineOptions = {},
): Promise<Readonly<Record<string, string>>> {
  const known = await recipeList(options);
  return Object.fromEntries(known.map(({ name, toml }) => [name, toml]));
}

/** The recipes that come with kith: what each is called, what it is, what it is for, and its text. */
export async function recipeList(options: EngineOptions = {}): Promise<readonly RecipeInfo[]> {
  return withEngine(options, (engine) => engine.invokeAgain(MODULE, "recipes", []));
}
