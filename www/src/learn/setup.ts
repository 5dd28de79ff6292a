/** The settings of a new run. */
import { KithError, type CallOptions, type Pretraining } from "kith-web";
import { knownSetting, numberSetting, remember, setting, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, choice, el, field, megabytes } from "../element.js";
import type { Picture } from "../picture.js";
import { chooseFile } from "../files.js";
import { couldNotRead } from "../own/take.js";
import { withProgress } from "../progress.js";
import { changesIn, changesField } from "./changes.js";
import { ownInput } from "./own-input.js";
import { FIRST_RECIPE, recipeOf, recipes, usualFor } from "./recipes.js";
import type { Start } from "./start-from.js";
import {
  LABELLED,
  MIN_PICTURES,
  domainsOf,
  probeLabels,
  startRun,
  type RunConfig,
  type SavedRun,
} from "./run.js";

const SEEDS: [number, number] = [0, 9999];

const MIXED =
  "Batches are mixed: nobody said who made these pictures, so that none can be of one maker alone.";

type Source = "gallery" | "own";

/** Called when a run was started or resumed. */
export type OnStart = (
  run: Pretraining,
  pictures: readonly Picture[],
  saved: Pick<SavedRun, "config" | "points" | "atStart">,
  extra?: Extra,
) => Promise<void>;

/** What is shown of a run besides, and told of its steps. */
export interface Extra {
  readonly beside: readonly HTMLElement[];
  readonly watch: (step: number) => Promise<void>;
}

interface Choices {
  recipe: string;
  source: Source;
  begin: "fresh" | "open";
  steps: number;
  batch: number;
  seed: number;
  /** Changes to the recipe, as the user wrote them. */
  changes: string;
}

/** The form of a new run. */
export function newRun(app: AppState, onStart: OnStart, closed: AbortSignal): HTMLElement {
  const chosen = fromAddress();
  const status = el("div", {});
  const input = ownInput(app, closed);
  const showInput = (): void => input.show(chosen.source === "own");
  showInput();
  const begin: OnStart = (...run) => {
    input.show(false);
    return onStart(...run);
  };
  const start = (): void =>
    void withProgress(status, "Preparing the pictures", async (call) =>
      begin(...(await started(app, chosen, call))),
    );
  const open = (): void =>
    chooseFile(".safetensors", (file) => {
      void withProgress(status, "Opening the run", async (call) => {
        const { openedRunFile } = await import("./run-file.js");
        await begin(...(await openedRunFile(app, file, call)));
      });
    });
  const words =
    "The network trains without labels, unless the recipe says otherwise. If there are some, an online probe shows how much it has learnt.";
  return el(
    "div",
    {},
    fields(app, chosen, showInput),
    changesField(chosen),
    input.element,
    el(
      "p",
      { class: "row" },
      button(`Start learning (${downloadSize(app)})`, start, { class: "main" }),
      button("Open a run file", open),
    ),
    el("p", { class: "aside" }, words),
    status,
  );
}

function fromAddress(): Choices {
  const recipe = knownSetting("recipe", (name) => recipeOf(name)?.name, {
    expected: recipes.map(({ name }) => name).join(", "),
    otherwise: FIRST_RECIPE,
  });
  return {
    recipe,
    source: wordSetting("pictures", ["gallery", "own"], "gallery"),
    begin: wordSetting("begin", ["fresh", "open"], "fresh"),
    steps: numberSetting("steps", usualFor(recipe).steps, [1, 6000]),
    batch: numberSetting("batch", 64, [8, 256]),
    seed: numberSetting("seed", 1, SEEDS),
    changes: setting("set", ""),
  };
}

/** A run as the form asks for it, at its start. */
async function started(
  app: AppState,
  { source, begin, changes, ...chosen }: Choices,
  call: Required<CallOptions>,
): Promise<Parameters<OnStart>> {
  const pictures = source === "gallery" ? app.gallery : await app.readableUserPictures();
  const unreadable = app.takeUnreadable();
  if (pictures.length < MIN_PICTURES) throw tooFewPictures(pictures.length, unreadable.length);
  if (recipeOf(chosen.recipe)!.needsLabels && !probeLabels(pictures)) throw noLabels(chosen.recipe);
  const start = begin === "open" ? await openNetwork(app, call) : undefined;
  const config: RunConfig = {
    ...chosen,
    ...(changes && { changes: changesIn(changes) }),
    ...(start && { from: start.origin }),
  };
  const run = await startRun(config, pictures, { ...call, device: app.device, start });
  const beside = unreadable.length > 0 ? [couldNotRead(unreadable)] : [];
  if (recipeOf(chosen.recipe)!.oneDomain && !domainsOf(pictures)) beside.push(el("p", {}, MIXED));
  return [run, pictures, { config, points: [] }, { beside, watch: async () => {} }];
}

async function openNetwork(app: AppState, call: Required<CallOptions>): Promise<Start> {
  const { startOf } = await import("./start-from.js");
  return startOf(app, () => app.load(call));
}

function tooFewPictures(count: number, unreadable: number): KithError {
  const others =
    unreadable > 0 ? ` that this browser can read, and ${unreadable} that it cannot` : "";
  const message = `At least ${MIN_PICTURES} pictures are needed; there are ${count}${others}.`;
  return new KithError("TOO_FEW_EXAMPLES", message, {
    hint: "Add pictures, or hold the camera's button: it takes one after the other.",
  });
}

const noLabels = (recipe: string): KithError =>
  new KithError(
    "TOO_FEW_EXAMPLES",
    `The recipe ${recipe} learns from labels: expected at least ${LABELLED} pictures with one and two classes; these have fewer.`,
    {
      hint: "Choose a folder that holds one folder for each class, or another recipe.",
    },
  );

function fields(app: AppState, chosen: Choices, onSource: () => void): HTMLElement {
  const summary = el("p", { class: "aside" });
  const showSummary = (): void => {
    const { summary: words, needsLabels } = recipeOf(chosen.recipe)!;
    summary.textContent = needsLabels ? `${words} It needs pictures that have labels.` : words;
  };
  const recipe = choice(
    recipes.map(({ name }) => [name, name] as const),
    chosen.recipe,
    (value) => {
      const chose = chosen.steps !== usualFor(chosen.recipe).steps;
      chosen.recipe = value;
      remember({ recipe: value });
      // A length that nobody chose goes with the recipe.
      if (!chose) length.value = String((chosen.steps = usualFor(value).steps));
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
  const length = amount("steps", [75, 300, 1200, 2400], "steps");
  const row = el(
    "div",
    { class: "fields" },
    field("Recipe", recipe),
    field("Pictures", source),
    field("Length", length),
    field("Batch", amount("batch", [16, 32, 64, 112], "pictures")),
    field("Seed", seedInput(chosen)),
    field("Begin with", beginChoice(app, chosen)),
  );
  return el("div", {}, row, summary);
}

/** The size of the download, unless it is cached. */
function downloadSize({ encoder, device }: AppState): string {
  if (encoder) return "nothing to download";
  return `downloads ${megabytes(device === "webgpu" ? WASM_BYTES.webgpu : WASM_BYTES.cpu)}`;
}

function seedInput(chosen: Choices): HTMLElement {
  const [min, max] = SEEDS;
  const input = el("input", { type: "number", min, max, step: 1, value: chosen.seed });
  input.addEventListener("change", () => {
    // What is no seed goes back to the last one that was.
    if (input.value !== "" && input.checkValidity()) chosen.seed = input.valueAsNumber;
    input.value = String(chosen.seed);
    remember({ seed: chosen.seed });
  });
  return input;
}

/** What the network knows at the start: nothing, or what the open one does. */
function beginChoice({ network, random }: AppState, chosen: Choices): HTMLElement {
  const open =
    network === random ? [] : [["open", `“${network.title}”, the open network`] as const];
  if (open.length === 0) chosen.begin = "fresh";
  return choice<Choices["begin"]>([["fresh", "Fresh weights"], ...open], chosen.begin, (value) => {
    chosen.begin = value;
    remember({ begin: value === "open" ? value : undefined });
  });
}

function numbers(values: readonly number[], text: string, current: number): [string, string][] {
  const all = values.includes(current) ? values : [current, ...values];
  return all.map((value) => [String(value), `${value} ${text}`]);
}
