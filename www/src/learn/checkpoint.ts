/** The checkpoint of a run: that of weights of others still says whose they were. */
import type { Pretraining } from "kith-web";
import type { RunConfig } from "./run.js";

/** In half precision: for looking at a network, half the bytes are enough. */
export async function checkpointOf(
  run: Pretraining,
  { from }: RunConfig,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(await run.checkpoint({ half: true }));
  if (!from?.origin) return bytes;
  const { headerOf, withMetadata } = await import("../safetensors.js");
  const { metadata } = headerOf(bytes);
  const told = { ...(JSON.parse(metadata["kith"]!) as object), origin: from.origin };
  return withMetadata(bytes, { ...metadata, kith: JSON.stringify(told) });
}
