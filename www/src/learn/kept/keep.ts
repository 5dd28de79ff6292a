/** Keeps a run as it is now: its curves, its embeddings of its pictures, what its neighbours are worth. */
import { KithError, type CallOptions, type Pretraining } from "kith-web";
import type { AppState } from "../../app-state.js";
import type { Picture } from "../../picture.js";
import type { Point, RunConfig } from "../run.js";
import { embeddingsBy, heldOut, scoresOf } from "../scores.js";
import type { KeptRun } from "./kept-runs.js";

/** A run, its pictures and its curves. */
export interface Keeping {
  readonly app: AppState;
  readonly run: Pretraining;
  readonly pictures: readonly Picture[];
  readonly config: RunConfig;
  readonly points: readonly Point[];
}

/** What is kept of a run. */
export async function snapshot(
  { app, run, pictures, config, points }: Keeping,
  call: Required<CallOptions>,
): Promise<Omit<KeptRun, "number" | "at">> {
  const { step } = run;
  const rows = await embeddingsBy(run, pictures, call);
  const checkpoint = await run.checkpoint({ half: true });
  if (run.step !== step) throw wentOn(step, run.step);
  const own = pictures[0]?.file !== undefined;
  return {
    config,
    recipeToml: run.recipeToml,
    metrics: run.metrics,
    points: [...points],
    step,
    total: run.total,
    side: run.plan.side,
    device: run.device.actual,
    source: own ? "own" : "gallery",
    ids: pictures.map(({ id }) => id),
    rows: rows.data,
    dim: rows.dim,
    scores: await scoresOf(pictures, rows, own ? pictures : heldOut(app)),
    checkpoint,
  };
}

/** Its embeddings would be of several networks. */
const wentOn = (from: number, to: number): KithError =>
  new KithError("BUSY", `The run went on from step ${from} to ${to} while it was being kept.`, {
    hint: "Pause it, then try again.",
  });
