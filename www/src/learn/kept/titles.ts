/** What kept runs are called. */
import { dayOf } from "../../label/saved-run.js";
import type { KeptRun } from "./kept-runs.js";

/** Short, for legends and heads of tables. */
export const titleOf = ({ number, config }: KeptRun): string =>
  `Run ${number}: ${config.recipe}, seed ${config.seed}`;

/** With how far it came, and when it was kept. */
export function longTitleOf(run: KeptRun): string {
  const { step, total, at } = run;
  const far = step < total ? `${step} of ${total} steps` : `${total} steps`;
  const time = new Date(at).toLocaleTimeString("en", { timeStyle: "short", hour12: false });
  return `${titleOf(run)}, ${far}, kept ${dayOf(at)} at ${time}`;
}
