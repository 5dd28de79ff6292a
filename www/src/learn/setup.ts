/** The settings of a new run, and the offer to resume a saved one. */
import { KithError, type Pretraining } from "kith-web";
import { numberSetting, remember, setting } from "../address.js";
import { pictureInput } from "../picture-input.js";
import type { AppState } from "../app-state.js";
import { button, choice, el, field, megabytes } from "../element.js";
import type { Picture } from "../picture.js";
import { keptLine } from "../own/kept-line.js";
import { noPictures } from "../own/take.js";
import { withProgress } from "../progress.js";
import { recipeOf, recipes } from "./recipes.js";
import {
  startRun,
  deleteSavedRun,
  resumeRun,
  loadSavedRun,
  MIN_PICTURES,
  picturesOf,
  type SavedRun,
  type RunConfig,
} from "./run.js";

const SEEDS: [number, number] = [0, 9999];

type Source = "gallery" | "own";

/** Called when a run was started or resumed. */
export type OnStart = (
  run: Pretraining,
  pictures: readonly Picture[],
  saved: Pick<SavedRun, "config" | "points">,
  extra?: Extra,
) => void;

/** What is shown of a run besides, and told of its steps. */
export interface Extra {
  readonly beside: HTMLElement;
  readonly watch: (step: number) => Promise<void>;
}

interface Choices {
  recipe: string;
  source: Source;
  steps: number;
  batch: number;
}

/** The form of a new run. */
export function newRun(app: AppState, onStart: OnStart, closed: AbortSignal): HTMLElement {
  const named = setting("recipe", "");
  const chosen: Choices = {
    recipe: (recipeOf(named) ?? recipes[0]!).name,
    source: setting("pictures", "") === "own" ? "own" : "gallery",
    steps: numberSetting("steps", 300, [1, 6000]),
    batch: numberSetting("batch", 64, [8, 256]),
  };
  const status = el("div", {});
  const userInput = userPictureInput(app, closed);
  userInput.show(chosen.source);
  const start = (): void => {
    const { source, ...rest } = chosen;
    const config: RunConfig = { ...rest, seed: numberSetting("seed", 1, SEEDS) };
    // Copies, so that the run keeps its class names if a class is renamed meanwhile.
    const copies = (): Picture[] => app.userPictures.map((picture) => ({ ...picture }));
    const pictures = source === "gallery" ? app.gallery : copies();
    void withProgress(status, "Preparing the pictures", async (call) => {
      if (pictures.length < MIN_PICTURES) throw tooFewPictures(pictures.length);
      const run = await startRun(config, pictures, { ...call, device: app.device });
      onStart(run, pictures, { config, points: [] });
    });
  };
  const words =
    "The network trains without labels. If there are some, an online probe shows how much it has learnt.";
  return el(
    "div",
    {},
    fields(app, chosen, () => userInput.show(chosen.source)),
    userInput.element,
    el(
      "p",
      { class: "row" },
      button(`Start learning (${downloadSize(app)})`, start, { class: "main" }),
    ),
    el("p", { class: "aside" }, words),
    status,
  );
}

const tooFewPictures = (count: number): KithError =>
  new KithError(
    "TOO_FEW_EXAMPLES",
    `At least ${MIN_PICTURES} pictures are needed; there are ${count}.`,
  );

function fields(app: AppState, chosen: Choices, onSource: () => void): HTMLElement {
  const summary = el("p", { class: "aside" });
  const showSummary = (): void => {
    summary.textContent = recipeOf(chosen.recipe)!.summary;
  };
  const recipe = choice(
    recipes.map(({ name }) => [name, name] as const),
    chosen.recipe,
    (value) => {
      chosen.recipe = value;
      remember({ recipe: value });
      showSummary();
    },
  );
  showSummary();
  const source = choice<Source>(
    [
      ["gallery", `The ${app.gallery.length} emoji`],
      ["own", "My own pictures"],
    ],
    chosen.source,
    (value) => {
      chosen.source = value;
      remember({ pictures: value === "own" ? value : undefined });
      onSource();
    },
  );
  const amount = (name: "steps" | "batch", values: readonly number[], text: string) =>
    choice(numbers(values, text, chosen[name]), String(chosen[name]), (value) => {
      chosen[name] = Number(value);
      remember({ [name]: value });
    });
  const row = el(
    "div",
    { class: "fields" },
    field("Recipe", recipe),
    field("Pictures", source),
    field("Length", amount("steps", [75, 300, 900, 1800], "steps")),
    field("Batch", amount("batch", [32, 64, 112], "pictures")),
  );
  return el("div", {}, row, summary);
}

/** The input for the user's pictures, shown while they are the source. */
function userPictureInput(app: AppState, closed: AbortSignal) {
  const element = el("div", {});
  let shown = new AbortController();
  closed.addEventListener("abort", () => shown.abort());
  const show = (source: Source): void => {
    shown.abort();
    shown = new AbortController();
    if (source === "gallery") return element.replaceChildren();
    const count = (): string =>
      `${app.userPictures.length} pictures so far; at least ${MIN_PICTURES} are needed, hundreds are better.`;
    const words = el("div", { class: "aside", role: "status" }, count());
    app.on("pictures", () => (words.textContent = count()), shown.signal);
    const take = (files: readonly File[]): void => {
      if (app.addPictures(files).length === 0) words.replaceChildren(noPictures(files.length));
    };
    element.replaceChildren(pictureInput(take, shown.signal), words, keptLine(app, shown.signal));
  };
  return { element, show };
}

/** The size of the download, unless it is cached. */
function downloadSize({ encoder, device }: AppState): string {
  if (encoder) return "nothing to download";
  return `downloads ${megabytes(device === "webgpu" ? WASM_BYTES.webgpu : WASM_BYTES.cpu)}`;
}

function numbers(values: readonly number[], text: string, current: number): [string, string][] {
  const all = values.includes(current) ? values : [current, ...values];
  return all.map((value) => [String(value), `${value} ${text}`]);
}

/** Offers to resume the saved run. */
export async function offerSavedRun(
  container: HTMLElement,
  app: AppState,
  onStart: OnStart,
): Promise<void> {
  const saved = await loadSavedRun().catch(() => undefined);
  if (!saved) return container.replaceChildren();
  const { config, step } = saved;
  const status = el("div", {});
  const resume = (): void => {
    void withProgress(status, "Resuming the run", async (call) => {
      const pictures = picturesOf(saved, app.gallery);
      onStart(await resumeRun(saved, pictures, { ...call, device: app.device }), pictures, saved);
    });
  };
  const drop = (): void => void deleteSavedRun().then(() => container.replaceChildren());
  const text = `A run of the recipe ${config.recipe} was saved at step ${step}.`;
  const offer = el(
    "div",
    { class: "offer" },
    el("p", {}, text),
    el(
      "p",
      { class: "row" },
      button("Resume the run", resume, { class: "main" }),
      button("Discard it", drop),
    ),
  );
  container.replaceChildren(offer, status);
}
