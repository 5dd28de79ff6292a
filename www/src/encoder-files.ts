/** Files of encoders: weights, and the JSON that timm and transformers write beside them. */
import type { ImportOptions } from "kith-web";
import type { AppState } from "./app-state.js";
import { addressOf, panelInAddress } from "./address.js";

/** Endings of weights: those that open here, and those of which the native program makes a checkpoint. */
const WEIGHTS = [".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".torch", ".zip", ".h5"] as const;
const JSON_FILES: Readonly<Record<string, "config" | "preprocessorConfig">> = {
  "config.json": "config",
  "preprocessor_config.json": "preprocessorConfig",
};

/** What a file dialog offers. */
export const ENCODER_FILES = [...WEIGHTS, ".json"].join();

const isWeights = ({ name }: File): boolean =>
  WEIGHTS.some((ending) => name.toLowerCase().endsWith(ending));

/** The file of weights, and what the files beside it say. */
export async function partsOf(
  files: readonly File[],
): Promise<{ weights: File; beside: ImportOptions }> {
  const [weights, ...others] = files.filter((file) => !(file.name in JSON_FILES));
  if (!weights || others.length > 0) {
    const names = files.map(({ name }) => name).join(", ");
    throw new Error(
      `Expected one file of weights, with its config.json and preprocessor_config.json if there are any; got ${names}.`,
    );
  }
  const beside: Record<string, unknown> = {};
  for (const file of files) {
    const option = JSON_FILES[file.name];
    if (option) beside[option] = parsed(file.name, await file.text());
  }
  return { weights, beside };
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${name} is no JSON: ${String(cause)}`, { cause });
  }
}

/** Takes files of encoders that are dropped anywhere on the page, before any panel takes them for pictures. */
export function acceptEncoderFiles(app: AppState): void {
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener(
    "drop",
    (event) => {
      const files = [...(event.dataTransfer?.files ?? [])];
      if (!files.some(isWeights)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      document.body.classList.remove("dropping");
      app.dropEncoderFiles(files);
      if (panelInAddress() !== "checkpoint") location.hash = addressOf("checkpoint");
    },
    { capture: true },
  );
}
