/** What comes out of labelling, as files. */
import { exportOnnx, type SemiSupervised } from "kith-web";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import { download } from "../files.js";
import { withProgress } from "../progress.js";
import type { Labelling } from "./labelling.js";
import { isOpen } from "./mark.js";
import { labelsTable } from "./labels-csv.js";
import type { Others } from "./others.js";

interface Results {
  readonly app: AppState;
  readonly labelling: Labelling;
  readonly others: Others;
  /** The run of semi-supervised training, if it has learnt something. */
  readonly run: () => SemiSupervised | undefined;
}

/** A file that can be saved, why not yet, and what it is. */
interface Result {
  readonly words: string;
  readonly save: () => Promise<void>;
  /** What is missing; empty if nothing is. */
  readonly missing: () => string;
  readonly about: () => string;
}

const NO_RUN = "Train on all pictures first, above.";

export function results(given: Results): { element: HTMLElement; draw(): void } {
  const status = el("div", {});
  const lines = resultsOf(given).map(({ words, save, missing, about }) => {
    const start = (): void => void withProgress(status, `Writing ${words}`, save);
    const own = button(words, start);
    const said = el("span", { class: "aside" });
    const draw = (): void => {
      own.disabled = missing() !== "";
      said.textContent = missing() || about();
    };
    return { line: el("li", { class: "row" }, own, said), draw };
  });
  const draw = (): void => lines.forEach((line) => line.draw());
  given.labelling.on("labels", draw);
  given.labelling.on("learnt", draw);
  draw();
  const list = el("ul", { class: "plain results-list" }, ...lines.map(({ line }) => line));
  return { element: el("div", {}, list, status), draw };
}

function resultsOf({ app, labelling, others, run }: Results): Result[] {
  const checkpoint = (): Promise<Uint8Array> => run()!.checkpoint();
  const noRun = (): string => (run() ? "" : NO_RUN);
  return [
    {
      words: "labels.csv",
      save: async () =>
        download("labels.csv", labelsTable(labelling.pictures, await others.labels())),
      missing: () =>
        labelling.pictures.some(({ label }) => label !== null) ? "" : "Label a picture first.",
      about: () => tableWords(labelling, others),
    },
    {
      words: "The probe",
      save: async () => download("probe.safetensors", labelling.learnt!.probe.save()),
      missing: () => (labelling.learnt ? "" : "Label pictures of two classes first."),
      about: () => "The linear probe on the open network, for kith and for Python.",
    },
    {
      words: "The trained network",
      save: async () => download("labelled-here.safetensors", await checkpoint()),
      missing: noRun,
      about: () => "A checkpoint with its classifier, which kith and the panel Checkpoint open.",
    },
    {
      words: "The trained network as ONNX",
      save: async () =>
        download("labelled-here.onnx", await exportOnnx(await checkpoint(), { output: "logits" })),
      missing: noRun,
      about: () => "For other runtimes: pictures in, features and logits out.",
    },
    {
      words: "Use it in other panels",
      save: async () =>
        app.openEncoder("labelled here", await run()!.checkpoint({ half: true }), {}),
      missing: noRun,
      about: () => "The other panels look at pictures with the trained network.",
    },
  ];
}

const FROM: Readonly<Record<Others["from"], string>> = {
  probe: "predicted by the probe",
  propagation: "propagated, or predicted by the probe where no label arrived",
  network: "predicted by the trained network",
};

function tableWords({ pictures, learnt }: Labelling, { from }: Others): string {
  const given = pictures.filter(({ label }) => label !== null).length;
  const open = pictures.filter(isOpen).length;
  const known = from !== "probe" || learnt !== undefined;
  const rest = open > 0 && known ? `, ${open} ${FROM[from]}` : "";
  return `${given} given${rest}.`;
}
