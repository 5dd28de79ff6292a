/** Checkpoints as ONNX files, which other runtimes compute. */
import { loadBytes } from "./bytes.js";
import { flag, oneOf, optionsOf } from "./checks.js";
import { withEngine } from "./engine.js";
import { asFileError } from "./errors.js";
import type { ByteSource, EngineOptions } from "./types.js";
import { MODULE } from "./wasm-module.js";

/** How an ONNX file is written. */
export interface OnnxOptions extends EngineOptions {
  /**
   * `float` (default): `pixel_values`, numbers in [0, 1], `[batch, 3,
   * side, side]`. `bytes`: `pixels`, `[batch, side, side, 3 or 4]`.
   */
  readonly input?: "float" | "bytes";
  /** What it gives besides `pooler_output`, the features. Default `features`: nothing. */
  readonly output?: "features" | "logits" | "projection";
  /** Weights take two bytes instead of four. */
  readonly half?: boolean;
}

/**
 * The bytes of an ONNX file (opset 17) with a checkpoint's encoder, as `kith export --onnx` writes it.
 * Errors: `SETTING` where the checkpoint lacks what the output needs; `CHECKPOINT_FORMAT` and
 * `CHECKPOINT_HTTP` for what is no checkpoint or cannot be read.
 */
export async function exportOnnx(
  checkpoint: ByteSource,
  options: OnnxOptions = {},
): Promise<Uint8Array> {
  const { input = "float", output = "features", half = false } = optionsOf(options);
  oneOf("input", input, ["float", "bytes"]);
  oneOf("output", output, ["features", "logits", "projection"]);
  flag("half", half);
  const { bytes } = await loadBytes(checkpoint, options);
  return withEngine(options, (engine) =>
    engine.invokeAgain(MODULE, "exportOnnx", [bytes, { input, output, half }]).catch(asFileError),
  );
}
