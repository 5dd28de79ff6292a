/** The choices of a new run, and the offer to go on with one that was left. */
import { KithError, type Pretraining } from "kith-web";
import { number, remember, setting } from "../address.js";
import { bringing } from "../bring.js";
import type { Desk } from "../desk.js";
import { button, choice, el, field, megabytes } from "../element.js";
import type { Picture } from "../picture.js";
import { shownWork } from "../work.js";
import {
  begin,
  forgetRun,
  goOn,
  keptRun,
  LEAST,
  picturesOf,
  type Kept,
  type Wish,
} from "./lesson.js";
import { isObjective, OBJECTIVES, wordsOf } from "./objectives.js";

const SEEDS: [number, number] = [0, 9999];

type Source = "gallery" | "own";

/** Told of a run that was begun or taken up again. */
export type Started = (
  run: Pretraining,
  pictures: readonly Picture[],
  past: Pick<Kept, "wish" | "points">,
) => void;

interface Choices {
  objective: Wish["objective"];
  source: Source;
  steps: number;
  batch: number;
}

/** The choices of a new run. */
export function newRun(desk: Desk, started: Started, left: AbortSignal): HTMLElement {
  const asked = setting("objective", "nnclr");
  const chosen: Choices = {
    objective: isObjective(asked) ? asked : "nnclr",
    source: "gallery",
    steps: number("steps", 300, [1, 6000]),
    batch: number("batch", 64, [8, 256]),
  };
  const work = el("div", {});
  const own = ownPictures(desk, left);
  const start = (): void => {
    const { source, ...rest } = chosen;
    const wish: Wish = { ...rest, seed: number("seed", 1, SEEDS) };
    // Copies: a class that is renamed meanwhile keeps the name that the run began with.
    const own = (): Picture[] => desk.own.map((picture) => ({ ...picture }));
    const pictures = source === "gallery" ? desk.gallery : own();
    void shownWork(work, "Getting the pictures ready", async (call) => {
      if (pictures.length < LEAST) throw tooFew(pictures.length);
      const run = await begin(wish, pictures, { ...call, device: desk.device });
      started(run, pictures, { wish, points: [] });
    });
  };
  const words =
    "Labels are not used to learn: where there are some, a probe on the side shows how much the network has learnt.";
  return el(
    "div",
    {},
    fields(desk, chosen, () => own.show(chosen.source)),
    own.element,
    el("p", { class: "row" }, button(`Start learning (${cost(desk)})`, start, { class: "main" })),
    el("p", { class: "aside" }, words),
    work,
  );
}

const tooFew = (count: number): KithError =>
  new KithError("TOO_FEW_EXAMPLES", `${LEAST} pictures are needed, ${count} are here.`);

function fields(desk: Desk, chosen: Choices, sourced: () => void): HTMLElement {
  const objective = choice<Wish["objective"]>(
    OBJECTIVES.map((known) => [known, `${wordsOf(known).name}, ${wordsOf(known).from}`]),
    chosen.objective,
    (value) => {
      chosen.objective = value;
      remember({ objective: value });
    },
  );
  const source = choice<Source>(
    [
      ["gallery", `The ${desk.gallery.length} emoji`],
      ["own", "My own pictures"],
    ],
    chosen.source,
    (value) => {
      chosen.source = value;
      sourced();
    },
  );
  const amount = (name: "steps" | "batch", values: readonly number[], words: string) =>
    choice(numbers(values, words, chosen[name]), String(chosen[name]), (value) => {
      chosen[name] = Number(value);
      remember({ [name]: value });
    });
  return el(
    "div",
    { class: "fields" },
    field("Objective", objective),
    field("Pictures", source),
    field("Length", amount("steps", [75, 300, 900, 1800], "steps")),
    field("Batch", amount("batch", [32, 64, 112], "pictures")),
  );
}

/** Ways to bring pictures, while they are what is learnt from. */
function ownPictures(desk: Desk, left: AbortSignal) {
  const element = el("div", {});
  let shown = new AbortController();
  left.addEventListener("abort", () => shown.abort());
  const show = (source: Source): void => {
    shown.abort();
    shown = new AbortController();
    if (source === "gallery") return element.replaceChildren();
    const count = (): string =>
      `${desk.own.length} pictures are here; ${LEAST} are needed, hundreds are better.`;
    const words = el("p", { class: "aside", role: "status" }, count());
    desk.on("pictures", () => (words.textContent = count()), shown.signal);
    element.replaceChildren(
      bringing((files) => void desk.bring(files), shown.signal),
      words,
    );
  };
  return { element, show };
}

/** What starting downloads, if it was not downloaded before. */
function cost({ encoder, device }: Desk): string {
  if (encoder) return "nothing to download";
  return `downloads ${megabytes(device === "webgpu" ? WASM_BYTES.webgpu : WASM_BYTES.cpu)}`;
}

function numbers(values: readonly number[], words: string, own: number): [string, string][] {
  const all = values.includes(own) ? values : [own, ...values];
  return all.map((value) => [String(value), `${value} ${words}`]);
}

/** Offers to go on with a run that an earlier visit left. */
export async function offerKept(place: HTMLElement, desk: Desk, started: Started): Promise<void> {
  const before = await keptRun().catch(() => undefined);
  if (!before) return place.replaceChildren();
  const { wish, step } = before;
  const work = el("div", {});
  const resume = (): void => {
    void shownWork(work, "Going on with it", async (call) => {
      const pictures = picturesOf(before, desk.gallery);
      started(await goOn(before, pictures, { ...call, device: desk.device }), pictures, before);
    });
  };
  const drop = (): void => void forgetRun().then(() => place.replaceChildren());
  const words = `A run of ${wordsOf(wish.objective).name} was left at step ${step}.`;
  const offer = el(
    "div",
    { class: "offer" },
    el("p", {}, words),
    el(
      "p",
      { class: "row" },
      button("Go on with it", resume, { class: "main" }),
      button("Forget it", drop),
    ),
  );
  place.replaceChildren(offer, work);
}
