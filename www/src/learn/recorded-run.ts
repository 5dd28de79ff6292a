/** A run that a link says: what it is, running it again, and how far it agrees. */
import { decodeRecord, readRecord, replay, type Agreement, type Replay } from "kith-web";
import type { RunRecord } from "kith-web";
import { remember } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, el } from "../element.js";
import { pixelsOfAll } from "../pixels.js";
import { withProgress } from "../progress.js";
import { batchOf, nameOf } from "./recipe-text.js";
import { domainsOf, probeLabels } from "./run.js";
import type { OnStart } from "./setup.js";

/** Shows the run of a code from the address; `gone` is called when the visitor wants none of it. */
export function recordedRun(
  container: HTMLElement,
  { app, code, onStart, gone }: RecordedRun,
): void {
  const leave = (): void => {
    remember({ run: undefined });
    gone();
  };
  const buttons = el("p", { class: "row" }, button("Begin a run of my own", leave));
  const status = el("div", {});
  const heading = el("h2", {}, "A run that somebody shared");
  container.replaceChildren(el("section", { class: "offer" }, heading, buttons), status);
  const { device } = app;
  void withProgress(status, "Reading the link", async (call) => {
    const record = await decodeRecord(code);
    const recorded = await readRecord(record, { ...call, device });
    const again = (): void =>
      void withProgress(status, "Preparing the pictures", async (more) => {
        const labels = recorded.plan.classes > 0 ? probeLabels(app.gallery) : undefined;
        const dataset = recorded.data.source;
        const domains = domainsOf(app.gallery);
        const own = { ...(labels && { labels }), ...(domains && { domains }) };
        const config = { ...more, device, dataset, ...own };
        await begin(await replay(record, pixelsOfAll(app.gallery), config), app, onStart);
      });
    buttons.before(facts(recorded));
    if (recorded.ran_in === "browser") {
      buttons.prepend(button("Run it again", again, { class: "main" }));
      return;
    }
    const command = `kith replay '${location.href}'`;
    buttons.before(el("pre", { tabindex: 0, class: "link" }, command));
  });
}

export interface RecordedRun {
  readonly app: AppState;
  readonly code: string;
  readonly onStart: OnStart;
  readonly gone: () => void;
}

/** What the record says, for people. */
function facts({
  recipe,
  plan,
  device,
  software,
  first_losses,
  epoch_losses = [],
  ran_in,
}: RunRecord): HTMLElement {
  const total = Number(plan.steps) * Number(plan.epochs);
  const last = epoch_losses.at(-1);
  const loss = last ? ` Its mean loss in epoch ${last[0]} was ${last[1].toFixed(4)}.` : "";
  return el(
    "p",
    {},
    `Recipe ${nameOf(recipe)}, seed ${plan.seed}, ${total} steps at ${plan.side} pixels, run by kith ${software} on: ${device}.${loss} `,
    ran_in === "browser"
      ? `It is run again here, and the losses of its first ${first_losses.length} steps are compared.`
      : "It is a run of the command line, which holds a part of the pictures out to test on. This command runs it again:",
  );
}

/** Shows the run with a line on how far it agrees. */
function begin(replayed: Replay, app: AppState, onStart: OnStart): Promise<void> {
  const { run, recorded } = replayed;
  const words = el("p", { role: "status", class: "agreement" }, waiting(replayed));
  const watch = async (step: number): Promise<void> => {
    if (step === Math.min(replayed.firstSteps, run.total)) {
      words.textContent = "Comparing …";
      words.textContent = inWords(await replayed.agreement());
    }
    if (step < run.total) return;
    const equal = await replayed.weightsEqual();
    if (equal === undefined) return;
    words.textContent += equal
      ? " After the last step the weights are equal to the bit."
      : " After the last step the weights are not equal to the bit.";
  };
  const config = {
    recipe: nameOf(recorded.recipe),
    steps: run.total,
    batch: batchOf(recorded.recipe),
    seed: Number(recorded.plan.seed),
  };
  return onStart(run, app.gallery, { config, points: [] }, { beside: [words], watch });
}

const waiting = ({ firstSteps }: Replay): string =>
  firstSteps === 0
    ? "The record has no losses of first steps: nothing can be compared."
    : `The first ${firstSteps} losses will be compared with the recorded ones.`;

/** How far a run agrees. */
export function inWords({ steps, equal, differences, tolerances, departs }: Agreement): string {
  if (steps === 0) return "The record has no losses of first steps: nothing can be compared.";
  if (departs) {
    return (
      `The runs part at step ${departs.step}: the recorded loss was ${departs.recorded.toPrecision(7)}, ` +
      `here it is ${departs.here.toPrecision(7)}. Rounding explains ${share(departs.tolerance)} of it.`
    );
  }
  if (equal === steps) return `The losses of the first ${steps} steps are equal to the bit.`;
  return (
    `The losses of the first ${steps} steps differ by at most ${share(Math.max(...differences))} of them; ` +
    `rounding explains ${share(tolerances.at(-1)!)}. As far as rounding lets one tell, it is the same run.`
  );
}

/** A tiny share, as people write it. */
const share = (value: number): string => value.toExponential(1);
