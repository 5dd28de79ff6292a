/** What two kept runs were asked for, and in what they differ. */
import { methodName } from "../../methods.js";
import { methodOf } from "../recipe-text.js";
import type { KeptRun } from "./kept-runs.js";

/** A setting, and what it was in each of two runs. */
export interface Difference {
  readonly name: string;
  readonly values: readonly [string, string];
}

/** Parts of a recipe that pre-training follows; the others are of what comes after it. */
const FOLLOWED = /^(encoder|projection|objective|pretraining)\b/;
/** Settings of a recipe that the form has too. */
const IN_FORM = /^pretraining\.(unlabelled_batch|epochs|steps)$/;

/** What the form of a run says, but for its method. */
export function formSettings(run: KeptRun): Record<string, string> {
  const { config, recipeToml, source, ids, total, side, device } = run;
  return {
    Recipe: config.recipe,
    Method: methodName(methodOf(recipeToml)),
    Pictures: source === "gallery" ? `the ${ids.length} emoji` : `${ids.length} of my own`,
    Length: `${total} steps`,
    Batch: `${config.batch} pictures`,
    Seed: String(config.seed),
    "Begins with": config.from?.title ?? "fresh weights",
    "Side of a picture": `${side} pixels`,
    "Computed by": device === "webgpu" ? "WebGPU" : "the CPU",
  };
}

/** In what the forms of two runs differ. */
export const formDifferences = (runs: readonly [KeptRun, KeptRun]): Difference[] =>
  differences(formSettings(runs[0]), formSettings(runs[1]));

/** In what their recipes differ besides. */
export const recipeDifferences = (runs: readonly [KeptRun, KeptRun]): Difference[] =>
  differences(recipeSettings(runs[0].recipeToml), recipeSettings(runs[1].recipeToml));

function differences(one: Record<string, string>, other: Record<string, string>): Difference[] {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  const values = (name: string) => [one[name] ?? "none", other[name] ?? "none"] as const;
  return names
    .map((name) => ({ name, values: values(name) }))
    .filter(({ values: [a, b] }) => a !== b);
}

/** The settings of a recipe's text by their path; in a list of tables, a number is part of it. */
export function recipeSettings(toml: string): Record<string, string> {
  const found: Record<string, string> = {};
  const counts = new Map<string, number>();
  let section = "";
  for (const line of toml.split("\n")) {
    const [, list, table] = /^\[\[(.+)\]\]$|^\[(.+)\]$/.exec(line) ?? [];
    if (list !== undefined) {
      counts.set(list, (counts.get(list) ?? 0) + 1);
      section = `${list}.${counts.get(list)}.`;
    } else if (table !== undefined) section = `${table}.`;
    const [, key, value] = /^(\w+) = (.*)$/.exec(line) ?? [];
    const path = section + key;
    if (value !== undefined && FOLLOWED.test(path) && !IN_FORM.test(path)) found[path] = value;
  }
  return found;
}
