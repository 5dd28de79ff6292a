/** Trains a linear probe: the button, the curves, and its file. */
import { LinearProbe, trainLinearProbe, type ProbeStrength } from "kith-web";
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

/** Share of the user's pictures that are kept aside to test on. */
const KEPT_ASIDE = 0.2;

export interface Training {
  /** The run in progress; the panel stops it when it closes. */
  readonly state: { seed: number; run: { stop(): void } | undefined };
  readonly split: () => Split;
  readonly results: HTMLElement;
  readonly numbers: HTMLElement;
  readonly closed: AbortSignal;
}

/** What the curves are drawn over. */
const PENALTY = "powers of ten by which the penalty is weakened";

/** The button that starts training, and the curves. */
export function training(app: AppState, task: Training): HTMLElement {
  const curve = [{ name: "pictures kept aside", colour: "#0072b2" }];
  const loss = chart("Loss", PENALTY, curve);
  const accuracy = chart("Accuracy", PENALTY, curve, true);
  const charts = el("div", { class: "charts", hidden: true }, loss.element, accuracy.element);
  const status = el("div", {});
  const stop = button("Stop and keep the best", () => task.state.run?.stop(), {
    disabled: true,
  });
  const onStrength = (tried: ProbeStrength): void => {
    const place = -Math.log10(tried.strength);
    loss.add(place, [tried.loss]);
    accuracy.add(place, [tried.accuracy]);
  };
  const train = (): void => {
    charts.hidden = false;
    loss.clear();
    accuracy.clear();
    stop.disabled = false;
    void withProgress(status, "Training the probe", async (call) => {
      await trainProbe(app, task, { onStrength, call });
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
  more: { onStrength: (tried: ProbeStrength) => void; call: { signal: AbortSignal } },
): Promise<void> {
  // Pictures that were just added may have no embedding yet.
  await app.embedUserPictures(more.call);
  const { labelled, test } = split();
  const labels = labelled.map(({ label }) => label!);
  const run = trainLinearProbe(app.network.embeddings(labelled), labels, {
    ...more.call,
    seed: state.seed,
    validationSplit: test.length === 0 ? KEPT_ASIDE : 0,
    classWeights: "balanced",
    ...(app.device !== "auto" && { device: app.device }),
  });
  state.run = run;
  for await (const event of run) if (event.type === "strength") more.onStrength(event);
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
