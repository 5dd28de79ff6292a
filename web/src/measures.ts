/** What embeddings are like without labels: measures of how they lie in space, and clusters. */
import { present, type Embeddings } from "./embeddings.js";
import { withEngine } from "./engine.js";
import { throwIfAborted, unlessAborted } from "./errors.js";
import type { Clusters, Measures } from "./generated.js";
import { finite, optionsOf, whole } from "./checks.js";
import type { EngineOptions } from "./types.js";
import { ENGINE, MODULE } from "./wasm-module.js";

/**
 * RankMe, uniformity and spread. Errors: those of an engine; `TOO_FEW_EXAMPLES` below 2 rows; `SETTING`
 * for numbers that are none; `ABORTED`.
 */
export async function measure(
  embeddings: Embeddings,
  options: EngineOptions = {},
): Promise<Measures> {
  const { data, dim } = rows(embeddings, options);
  return withEngine(options, (engine) =>
    unlessAborted(engine.invokeAgain(ENGINE, "measures", [data, dim]), options.signal),
  );
}

/** How clusters are found. */
export interface KMeansOptions extends EngineOptions {
  /** Draws the first centres. Default 0. */
  readonly seed?: number;
}

/**
 * k-means by Euclidean distance; for cosines, give it `embeddings.normalize()`. The same seed finds the
 * same clusters. Errors: those of an engine; `TOO_FEW_EXAMPLES` for fewer rows than clusters;
 * `SETTING`; `ABORTED`.
 */
export async function kMeans(
  embeddings: Embeddings,
  clusters: number,
  options: KMeansOptions = {},
): Promise<Clusters> {
  const { data, dim } = rows(embeddings, options);
  const seed = whole("seed", options.seed ?? 0, 0);
  const count = whole("clusters", clusters, 1, MOST);
  return withEngine(options, (engine) =>
    unlessAborted(engine.invokeAgain(MODULE, "kMeans", [data, dim, count, seed]), options.signal),
  );
}

/** More clusters than any memory has rows for. */
const MOST = 2 ** 31;

/** A copy of the numbers: of the caller's memory, which may be shared, none is sent. */
function rows(embeddings: Embeddings, options: EngineOptions) {
  throwIfAborted(optionsOf(options).signal);
  const { data, dim } = present(embeddings);
  finite("the embeddings", data, dim);
  return { data: data.slice(), dim };
}
