/** Trains a linear probe: the button, the curves, and its file. */
import { LinearProbe, trainLinearProbe, type ProbeEpoch } from "kith-web";
import { chart } from "../chart.js";
import type { AppState } from "../app-state.js";
import { button, el, percent } from "../element.js";
import type { Picture } from "../picture.js";
import { chooseFile, download } from "../files.js";
import type { Network } from "../network.js";
import { withProgress } from "../progress.js";
import type { Split } from "./split.js";
import { drawResults, statistic } from "./results.js";
import { evaluate } from "./evaluation.js";

/** With fewer labelled pictures, none are held out for validation. */
const ENOUGH_TO_SPLIT = 40;

export interface Training {
  /** The run in progress; the panel stops it when it closes. */
  readonly state: { seed: number; run: { stop(): void } | undefined };
  readonly split: () => Split;
  readonly results: HTMLElement;
  readonly numbers: HTMLElement;
  readonly closed: AbortSignal;
}

/** The button that starts training, and the curves. */
export function training(app: AppState, task: Training): HTMLElement {
  const curves = [
    { name: "training", colour: "#0072b2" },
    { name: "validation", colour: "#d55e00", dash: [6, 4] },
  ];
  const loss = chart("Loss", "epoch", curves);
  const accuracy = chart("Accuracy", "epoch", curves, true);
  const charts = el("div", { class: "charts", hidden: true }, loss.element, accuracy.element);
  const status = el("div", {});
  const stop = button("Stop and keep the probe", () => task.state.run?.stop(), {
    disabled: true,
  });
  const onEpoch = (epoch: ProbeEpoch): void => {
    loss.add(epoch.epoch, [epoch.trainLoss, epoch.validationLoss ?? null]);
    accuracy.add(epoch.epoch, [epoch.trainAccuracy, epoch.validationAccuracy ?? null]);
  };
  const train = (): void => {
    charts.hidden = false;
    loss.clear();
    accuracy.clear();
    stop.disabled = false;
    void withProgress(status, "Training the probe", async (call) => {
      await trainProbe(app, task, { onEpoch, call });
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
      ...files(app, status),
    ),
    status,
    charts,
  );
}

/** Buttons that save a probe and open a saved one. */
function files(app: AppState, status: HTMLElement): HTMLElement[] {
  const saveAs = (format: "safetensors" | "json") => () => {
    if (app.probe) download(`probe.${format}`, app.probe.save(format));
    else
      status.replaceChildren(
        el("p", { class: "aside" }, "There is no probe yet: train or open one."),
      );
  };
  const open = (): void =>
    chooseFile(".safetensors,.json", (file) => {
      void withProgress(status, "Opening the probe", async () => {
        const probe = await LinearProbe.load(file);
        const known = app.all.filter((picture) => app.network.hasEmbedding(picture));
        probe.predict(app.network.embeddings(known.slice(0, 1)));
        app.probe = probe;
        app.emit("probe");
      });
    });
  return [
    button("Save it", saveAs("safetensors")),
    button("Save as JSON", saveAs("json")),
    button("Open one", open),
  ];
}

async function trainProbe(
  app: AppState,
  { state, split, results, numbers }: Training,
  more: { onEpoch: (epoch: ProbeEpoch) => void; call: { signal: AbortSignal } },
): Promise<void> {
  // Pictures that were just added may have no embedding yet.
  await app.embedUserPictures(more.call);
  const { labelled, test } = split();
  const labels = labelled.map(({ label }) => label!);
  const validationSplit = test.length === 0 || labelled.length >= ENOUGH_TO_SPLIT ? 0.2 : 0;
  const run = trainLinearProbe(app.network.embeddings(labelled), labels, {
    ...more.call,
    seed: state.seed,
    validationSplit,
    classWeights: "balanced",
    ...(app.device !== "auto" && { device: app.device }),
  });
  state.run = run;
  for await (const event of run) if (event.type === "epoch") more.onEpoch(event);
  app.probe = await run.result;
  const validation =
    test.length > 0 ? test : app.probe.report.validation.map((index) => labelled[index]!);
  const evaluation = evaluate(
    validation.map(({ label }) => label!),
    predict(app.probe, app.network, validation),
  );
  numbers.querySelector(".of-probe")?.remove();
  const text = `on ${validation.length} test pictures`;
  const share = statistic("Linear probe", percent(evaluation.accuracy), text);
  share.className = "of-probe";
  numbers.prepend(share);
  drawResults(results, "By the linear probe", evaluation, validation);
  app.emit("probe");
}

const predict = (probe: LinearProbe, network: Network, pictures: readonly Picture[]): string[] =>
  probe.predict(network.embeddings(pictures), { topK: 1 }).map(([best]) => best!.label);
