/** The choices of a new run, and the offer to go on with one that was left. */
import { KithError, type Pretraining } from "kith-web";
import { numberSetting, remember, setting } from "../address.js";
import { pictureInput } from "../picture-input.js";
import type { AppState } from "../app-state.js";
import { button, choice, el, field, megabytes } from "../element.js";
import type { Picture } from "../picture.js";
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

/** Told of a run that was begun or taken up again. */
export type OnStart = (
  run: Pretraining,
  pictures: readonly Picture[],
  saved: Pick<SavedRun, "config" | "points">,
) => void;

interface Choices {
  recipe: string;
  source: Source;
  steps: number;
  batch: number;
}

/** The choices of a new run. */
export function newRun(app: AppState, onStart: OnStart, closed: AbortSignal): HTMLElement {
  const named = setting("recipe", "");
  const chosen: Choices = {
    recipe: (recipeOf(named) ?? recipes[0]!).name,
    source: "gallery",
    steps: numberSetting("steps", 300, [1, 6000]),
    batch: numberSetting("batch", 64, [8, 256]),
  };
  const work = el("div", {});
  const userInput = userPictureInput(app, closed);
  const start = (): void => {
    const { source, ...rest } = chosen;
    const config: RunConfig = { ...rest, seed: numberSetting("seed", 1, SEEDS) };
    // Copies: a class that is renamed meanwhile keeps the name that the run began with.
    const copies = (): Picture[] => app.userPictures.map((picture) => ({ ...picture }));
    const pictures = source === "gallery" ? app.gallery : copies();
    void withProgress(work, "Getting the pictures ready", async (call) => {
      if (pictures.length < MIN_PICTURES) throw tooFew(pictures.length);
      const run = await startRun(config, pictures, { ...call, device: app.device });
      onStart(run, pictures, { config, points: [] });
    });
  };
  const words =
    "Labels are not used to learn: where there are some, a probe on the side shows how much the network has learnt.";
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
    work,
  );
}

const tooFew = (count: number): KithError =>
  new KithError("TOO_FEW_EXAMPLES", `${MIN_PICTURES} pictures are needed, ${count} are here.`);

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
      onSource();
    },
  );
  const amount = (name: "steps" | "batch", values: readonly number[], text: string) =>
    choice(numbers(values, text, chosen[name]), String(chosen[name]), (value) => {
      chosen[name] = Number(value);
      remember({ [name]: value });
    });
  return el(
    "div",
    { class: "fields" },
    field("Recipe", recipe),
    field("Pictures", source),
    field("Length", amount("steps", [75, 300, 900, 1800], "steps")),
    field("Batch", amount("batch", [32, 64, 112], "pictures")),
    summary,
  );
}

/** Ways to bring pictures, while they are what is learnt from. */
function userPictureInput(app: AppState, closed: AbortSignal) {
  const element = el("div", {});
  let shown = new AbortController();
  closed.addEventListener("abort", () => shown.abort());
  const show = (source: Source): void => {
    shown.abort();
    shown = new AbortController();
    if (source === "gallery") return element.replaceChildren();
    const count = (): string =>
      `${app.userPictures.length} pictures are here; ${MIN_PICTURES} are needed, hundreds are better.`;
    const words = el("p", { class: "aside", role: "status" }, count());
    app.on("pictures", () => (words.textContent = count()), shown.signal);
    element.replaceChildren(
      pictureInput((files) => void app.addPictures(files), shown.signal),
      words,
    );
  };
  return { element, show };
}

/** What starting downloads, if it was not downloaded before. */
function downloadSize({ encoder, device }: AppState): string {
  if (encoder) return "nothing to download";
  return `downloads ${megabytes(device === "webgpu" ? WASM_BYTES.webgpu : WASM_BYTES.cpu)}`;
}

function numbers(values: readonly number[], text: string, own: number): [string, string][] {
  const all = values.includes(own) ? values : [own, ...values];
  return all.map((value) => [String(value), `${value} ${text}`]);
}

/** Offers to go on with a run that an earlier visit left. */
export async function offerSavedRun(
  container: HTMLElement,
  app: AppState,
  onStart: OnStart,
): Promise<void> {
  const saved = await loadSavedRun().catch(() => undefined);
  if (!saved) return container.replaceChildren();
  const { config, step } = saved;
  const work = el("div", {});
  const resume = (): void => {
    void withProgress(work, "Going on with it", async (call) => {
      const pictures = picturesOf(saved, app.gallery);
      onStart(await resumeRun(saved, pictures, { ...call, device: app.device }), pictures, saved);
    });
  };
  const drop = (): void => void deleteSavedRun().then(() => container.replaceChildren());
  const text = `A run of the recipe ${config.recipe} was left at step ${step}.`;
  const offer = el(
    "div",
    { class: "offer" },
    el("p", {}, text),
    el(
      "p",
      { class: "row" },
      button("Go on with it", resume, { class: "main" }),
      button("Forget it", drop),
    ),
  );
  container.replaceChildren(offer, work);
}
