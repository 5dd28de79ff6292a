/** Training a linear probe: the button, the curves, and its file. */
import { LinearProbe, trainLinearProbe, type ProbeEpoch } from "kith-web";
import { chart } from "../chart.js";
import type { Desk } from "../desk.js";
import { button, el, percent } from "../element.js";
import type { Picture } from "../picture.js";
import { asked, save } from "../saving.js";
import type { Sight } from "../sight.js";
import { shownWork } from "../work.js";
import type { Material } from "./budget.js";
import { drawResults, figure } from "./results.js";
import { tally } from "./tally.js";

/** With fewer pictures, none are kept aside to watch training on. */
const ENOUGH_TO_SPLIT = 40;

export interface Training {
  /** What is trained now; the panel stops it when it is left. */
  readonly state: { seed: number; run: { stop(): void } | undefined };
  readonly material: () => Material;
  readonly results: HTMLElement;
  readonly numbers: HTMLElement;
  readonly left: AbortSignal;
}

/** The button that trains, and the curves. */
export function training(desk: Desk, task: Training): HTMLElement {
  const curves = [
    { name: "training", colour: "#0072b2" },
    { name: "kept aside", colour: "#d55e00", dash: [6, 4] },
  ];
  const loss = chart("Loss", "epoch", curves);
  const accuracy = chart("Accuracy", "epoch", curves, true);
  const charts = el("div", { class: "charts", hidden: true }, loss.element, accuracy.element);
  const work = el("div", {});
  const stop = button("Stop, and keep what it knows", () => task.state.run?.stop(), {
    disabled: true,
  });
  const told = (epoch: ProbeEpoch): void => {
    loss.add(epoch.epoch, [epoch.trainLoss, epoch.validationLoss ?? null]);
    accuracy.add(epoch.epoch, [epoch.trainAccuracy, epoch.validationAccuracy ?? null]);
  };
  const train = (): void => {
    charts.hidden = false;
    loss.clear();
    accuracy.clear();
    stop.disabled = false;
    void shownWork(work, "Training the probe", async (call) => {
      await fit(desk, task, { told, call });
    }).finally(() => (stop.disabled = true));
  };
  return el(
    "div",
    { class: "training" },
    el(
      "p",
      { class: "row" },
      button("Train a linear probe", train, { class: "main" }),
      stop,
      ...files(desk, work),
    ),
    work,
    charts,
  );
}

/** Ways to save a probe and to open a saved one. */
function files(desk: Desk, work: HTMLElement): HTMLElement[] {
  const out = (format: "safetensors" | "json") => () => {
    if (desk.probe) save(`probe.${format}`, desk.probe.save(format));
    else
      work.replaceChildren(
        el("p", { class: "aside" }, "There is no probe yet: train or open one."),
      );
  };
  const open = (): void =>
    asked(".safetensors,.json", (file) => {
      void shownWork(work, "Opening the probe", async () => {
        const probe = await LinearProbe.load(file);
        probe.predict(desk.sight.rows([desk.gallery[0]!]));
        desk.probe = probe;
        desk.tell("probe");
      });
    });
  return [
    button("Save it", out("safetensors")),
    button("Save as JSON", out("json")),
    button("Open one", open),
  ];
}

async function fit(
  desk: Desk,
  { state, material, results, numbers }: Training,
  more: { told: (epoch: ProbeEpoch) => void; call: { signal: AbortSignal } },
): Promise<void> {
  // Pictures that were just brought may not have been looked at yet.
  await desk.look(more.call);
  const { labelled, test } = material();
  const labels = labelled.map(({ label }) => label!);
  const validationSplit = test.length === 0 || labelled.length >= ENOUGH_TO_SPLIT ? 0.2 : 0;
  const run = trainLinearProbe(desk.sight.rows(labelled), labels, {
    ...more.call,
    seed: state.seed,
    validationSplit,
    classWeights: "balanced",
    ...(desk.device !== "auto" && { device: desk.device }),
  });
  state.run = run;
  for await (const event of run) if (event.type === "epoch") more.told(event);
  desk.probe = await run.result;
  const aside =
    test.length > 0 ? test : desk.probe.report.validation.map((place) => labelled[place]!);
  const told = tally(
    aside.map(({ label }) => label!),
    guesses(desk.probe, desk.sight, aside),
  );
  numbers.querySelector(".of-probe")?.remove();
  const words = `${aside.length} pictures told apart`;
  const share = figure("Linear probe", percent(told.accuracy), words);
  share.className = "of-probe";
  numbers.prepend(share);
  drawResults(results, "By the linear probe", told, aside);
  desk.tell("probe");
}

const guesses = (probe: LinearProbe, sight: Sight, pictures: readonly Picture[]): string[] =>
  probe.predict(sight.rows(pictures), { topK: 1 }).map(([best]) => best!.label);
