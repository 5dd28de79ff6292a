/** Keeps a run when asked to; where no more fit, it asks which one goes. */
import { announce } from "../../announce.js";
import { button, choice, el, field } from "../../element.js";
import { storageTrouble } from "../../own/kept-line.js";
import { withProgress } from "../../progress.js";
import { snapshot, type Keeping } from "./keep.js";
import { keepRun, keptRuns, MOST, type KeptRun } from "./kept-runs.js";
import { longTitleOf, titleOf } from "./titles.js";

/** Where it says what happens, and what follows when the run is kept. */
interface Place {
  readonly status: HTMLElement;
  readonly onKept: (run: KeptRun) => void;
}

/** Keeps a run that is paused or has ended. */
export async function keep(keeping: Keeping, place: Place): Promise<void> {
  // Where nothing can be read, nothing can be written: then that is what is said.
  const runs = await keptRuns().catch(() => []);
  if (runs.length >= MOST) return question(keeping, runs, place);
  await withProgress(place.status, "Keeping the run", (call) => keepNow(keeping, place, { call }));
}

type Call = Parameters<typeof snapshot>[1];

async function keepNow(
  keeping: Keeping,
  { status, onKept }: Place,
  { call, inPlaceOf }: { readonly call: Call; readonly inPlaceOf?: KeptRun },
): Promise<void> {
  const taken = await snapshot(keeping, call);
  const kept = await keepRun(taken, inPlaceOf?.number).catch((cause: unknown) => {
    throw notKept(cause);
  });
  const gone = inPlaceOf ? ` ${titleOf(inPlaceOf)} was removed.` : "";
  const words = `Kept as ${titleOf(kept)}, at step ${kept.step}.${gone} It is below, also after a reload.`;
  status.replaceChildren(el("p", { class: "row" }, words, button("Show it", showShelf)));
  announce(words);
  onKept(kept);
}

function showShelf(): void {
  const heading = document.querySelector<HTMLElement>(".kept-runs h2");
  heading?.scrollIntoView();
  heading?.focus();
}

/** Says what is still there: nothing is lost when a browser cannot store more. */
function notKept(cause: unknown): Error {
  const message = `This browser did not keep the run: ${storageTrouble(cause)} The run is still here, and so are all runs that were kept before.`;
  const hint =
    "Remove a kept run below or free space on this computer, then try again. “Save the checkpoint” saves its network as a file.";
  return Object.assign(new Error(message, { cause }), { hint });
}

/** Asks which run makes room. */
function question(keeping: Keeping, runs: readonly KeptRun[], place: Place): void {
  let goes = runs[0]!;
  const options = runs.map((run) => [String(run.number), longTitleOf(run)] as const);
  const select = choice(options, String(goes.number), (value) => {
    goes = runs.find(({ number }) => String(number) === value)!;
  });
  const replace = (): void =>
    void withProgress(place.status, "Keeping the run", (call) =>
      keepNow(keeping, place, { call, inPlaceOf: goes }),
    );
  const cancel = (): void => place.status.replaceChildren(el("p", { class: "aside" }, "Not kept."));
  const box = el(
    "div",
    { class: "offer" },
    el("p", {}, `This browser keeps ${runs.length} runs, the most. Which one should make room?`),
    field("To be removed", select),
    el(
      "p",
      { class: "row" },
      button("Remove it and keep this run", replace, { class: "main" }),
      button("Keep the others", cancel),
    ),
  );
  place.status.replaceChildren(box);
  select.focus();
}
