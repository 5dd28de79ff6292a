/** The curves of kept runs as a table, for other programs. */
import { button, el } from "../../element.js";
import { csv, download } from "../../files.js";
import type { KeptRun } from "./kept-runs.js";
import { measured, valueOf } from "./results.js";

/** A button that saves every step of some runs, a line each. */
export function csvButton(runs: readonly KeptRun[]): HTMLElement {
  const save = (): void => download("runs.csv", csv(lines(runs)));
  return el("p", { class: "row" }, button("Save every step of both as CSV", save));
}

function lines(runs: readonly KeptRun[]): (string | number)[][] {
  const names = measured(runs).map(({ name }) => name);
  const cell = (value: number): string | number => (isNaN(value) ? "" : value);
  const rows = runs.flatMap(({ number, config, points }) =>
    points.map((point) => [
      number,
      config.recipe,
      config.seed,
      point.step,
      cell(point.seconds),
      ...names.map((name) => cell(valueOf(point, name))),
    ]),
  );
  return [["run", "recipe", "seed", "step", "seconds", ...names], ...rows];
}
