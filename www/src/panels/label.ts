/** Label: the program proposes a picture, a person labels it, and both learn how much is known. */
import { LabelPool, type CallOptions, type SemiSupervised } from "kith-web";
import { remember, setting } from "../address.js";
import type { AppState } from "../app-state.js";
import { button, choice, el, field, megabytes } from "../element.js";
import { ClassList } from "../label/class-list.js";
import { desk } from "../label/desk.js";
import { figures } from "../label/figures.js";
import { openFolder } from "../label/folder.js";
import { Labelling } from "../label/labelling.js";
import { Others } from "../label/others.js";
import { ruleInWords, RULES, type ChosenRule } from "../label/reasons.js";
import { results } from "../label/results.js";
import { semiOffer } from "../label/semi-offer.js";
import { semiSession } from "../label/semi-session.js";
import { galleryWithoutLabels, ownPictures } from "../label/sources.js";
import type { LabelSource, SourceKind } from "../label/sources.js";
import { spreading } from "../label/spread.js";
import { howRight } from "../label/truth.js";
import { keptLine } from "../own/kept-line.js";
import { embedOwn, noPictures } from "../own/take.js";
import { pictureInput } from "../picture-input.js";
import { withProgress } from "../progress.js";

/** Fewest pictures among which there is something to choose. */
const MIN_PICTURES = 2;

export function label(root: HTMLElement, app: AppState, closed: AbortSignal): void {
  const place = el("div", {});
  let shown = new AbortController();
  closed.addEventListener("abort", () => shown.abort());
  const show = (kind: SourceKind): void => {
    shown.abort();
    shown = new AbortController();
    place.replaceChildren();
    VIEWS[kind]({ app, place, shown: shown.signal });
  };
  root.replaceChildren(introduction(), sourceChoice(show), place);
  show(chosenSource());
}

function introduction(): HTMLElement {
  return el(
    "p",
    { class: "lead" },
    "The program proposes a picture and says why, you press a key, and a probe learns. A few labels, well chosen, say a lot about all pictures.",
  );
}

function chosenSource(): SourceKind {
  const named = setting("source", "own");
  return named === "gallery" || named === "folder" ? named : "own";
}

function sourceChoice(show: (kind: SourceKind) => void): HTMLElement {
  const chosen = chosenSource();
  const option = (kind: SourceKind, words: string): HTMLElement => {
    const onchange = (): void => {
      remember({ source: kind === "own" ? undefined : kind });
      show(kind);
    };
    const input = { type: "radio", name: "label-source", checked: chosen === kind, onchange };
    return el("label", { class: "check" }, el("input", input), words);
  };
  return el(
    "p",
    { class: "row" },
    option("own", "My own pictures"),
    option("gallery", "The emoji, to try it"),
    // Only `kith label` opens the page with a folder.
    chosen === "folder" && option("folder", "The folder of kith label"),
  );
}

interface View {
  readonly app: AppState;
  readonly place: HTMLElement;
  /** Aborts when other pictures are chosen. */
  readonly shown: AbortSignal;
}

const VIEWS: Readonly<Record<SourceKind, (view: View) => void>> = {
  own: ownView,
  gallery: galleryView,
  folder: folderView,
};

/** The user's pictures; the desk opens again when pictures come or go. */
function ownView({ app, place, shown }: View): void {
  const status = el("div", {});
  const deskPlace = el("div", {});
  const empty = el("p", { class: "aside" });
  let known = "";
  let opened = new AbortController();
  shown.addEventListener("abort", () => opened.abort());
  const open = (): void => {
    const ids = app.userPictures.map(({ id }) => id).join();
    empty.textContent = emptyWords(app);
    if (ids === known) return;
    known = ids;
    opened.abort();
    opened = new AbortController();
    deskPlace.replaceChildren();
    if (app.userPictures.length < MIN_PICTURES) return;
    const { signal } = opened;
    embedOwn(app, status, async (call) => {
      if (signal.aborted) return;
      await openDesk(ownPictures(app), { app, place: deskPlace, shown: signal }, call);
    });
  };
  const take = (files: readonly File[]): void => {
    if (app.addPictures(files).length === 0) status.replaceChildren(noPictures(files.length));
  };
  app.on("pictures", open, shown);
  const input = pictureInput(take, shown);
  place.replaceChildren(deskPlace, status, empty, input, keptLine(app, shown));
  const dropped = app.takeDroppedPictures();
  if (dropped.length > 0) take(dropped);
  open();
}

function emptyWords({ userPictures }: AppState): string {
  if (userPictures.length >= MIN_PICTURES) return "More pictures can be added at any time.";
  return userPictures.length === 0
    ? "Choose the pictures that you want to label: a folder of them, or a few to begin with. With twenty or more, proposals begin to make sense."
    : "One picture needs no proposals: choose more.";
}

/** The gallery, when the user wants it: the program is downloaded for it. */
function galleryView({ app, place, shown }: View): void {
  const status = el("div", {});
  const deskPlace = el("div", {});
  const start = (): void =>
    void withProgress(status, "Looking at the emoji", async (call) => {
      offer.remove();
      await openDesk(galleryWithoutLabels(app), { app, place: deskPlace, shown }, call);
    });
  const { cpu, webgpu } = WASM_BYTES;
  const size = app.encoder ? "" : ` (${megabytes(app.device === "webgpu" ? webgpu : cpu)})`;
  const words =
    "A toy run: the emoji have labels, but the page hides them from you and from the probe until you ask how right you were. What you label here is not kept.";
  const offer = el(
    "div",
    { class: "offer" },
    el("p", {}, words),
    button(`Begin${size}`, start, { class: "main" }),
  );
  place.replaceChildren(offer, status, deskPlace);
}

/** A folder of this machine that `kith label` serves. */
function folderView({ app, place, shown }: View): void {
  const status = el("div", {});
  const words = el("p", { class: "aside" });
  const deskPlace = el("div", {});
  place.replaceChildren(words, status, deskPlace);
  void withProgress(status, "Looking at the folder", async (call) => {
    const source = await openFolder(app, call);
    const { labelsFile, pictures } = source;
    words.textContent = `${pictures.length} images of this machine. Every label is written to ${labelsFile} before it is shown as done; nothing else leaves this page.`;
    if (pictures.length < MIN_PICTURES) {
      words.textContent = `The folder has ${pictures.length} images: there is nothing to choose from. Put more into it and start kith label again.`;
      return;
    }
    await source.embed(call);
    if (!shown.aborted) await openDesk(source, { app, place: deskPlace, shown }, call);
  });
}

/** Everything about the pictures of a source, once their embeddings are there. */
async function openDesk(
  source: LabelSource,
  { app, place, shown }: View,
  call: CallOptions,
): Promise<void> {
  const device = () => app.device;
  const engine = app.device === "auto" ? {} : { device: app.device };
  const embeddings = app.network.embeddings(source.pictures);
  const pool = await LabelPool.create(embeddings, { ...call, ...engine });
  if (shown.aborted) return pool.dispose();
  shown.addEventListener("abort", () => void pool.dispose());
  const rule = ruleSetting();
  const { network } = app;
  const labelling = new Labelling({ source, pool, network, device, rule, closed: shown });
  const classes = await ClassList.open(source);
  labelling.on("learnt", () => {
    if (labelling.learnt) app.probe = labelling.learnt.probe;
    app.emit("probe");
  });
  place.replaceChildren(
    settings(labelling),
    desk({ labelling, classes, keys: keysOn, closed: shown }),
    el("section", {}, el("h2", {}, "How much is learnt"), figures(labelling)),
    ...learning({ app, labelling, classes, closed: shown }),
  );
  await labelling.begin();
}

function ruleSetting(): ChosenRule {
  const named = setting("rule", "auto");
  return RULES.find(([rule]) => rule === named)?.[0] ?? "auto";
}

const keysOn = (): boolean => setting("keys", "on") !== "off";

/** Which pictures are proposed, and whether single keys label. */
function settings(labelling: Labelling): HTMLElement {
  const words = el("p", { class: "aside", role: "status" });
  const draw = (): void => {
    words.textContent = ruleInWords(labelling.chosen, labelling.rule);
  };
  const rule = choice(RULES, labelling.chosen, (value) => {
    remember({ rule: value === "auto" ? undefined : value });
    void labelling.choose(value).then(draw);
    draw();
  });
  const keys = el("input", {
    type: "checkbox",
    checked: keysOn(),
    onchange: () => remember({ keys: keys.checked ? undefined : "off" }),
  });
  labelling.on("queue", draw);
  labelling.on("learnt", draw);
  draw();
  return el(
    "div",
    { class: "label-settings" },
    el(
      "div",
      { class: "fields" },
      field("Propose", rule),
      el("label", { class: "check" }, keys, "Single keys label"),
    ),
    words,
  );
}

interface Learning {
  readonly app: AppState;
  readonly labelling: Labelling;
  readonly classes: ClassList;
  readonly closed: AbortSignal;
}

/** Learning from all pictures, and the files that come out. */
function learning({ app, labelling, classes, closed }: Learning): HTMLElement[] {
  const others = new Others(labelling);
  let run: SemiSupervised | undefined;
  const files = results({ app, labelling, others, run: () => run });
  const semi = el("div", {});
  const offer = (): void =>
    semi.replaceChildren(
      semiOffer({
        app,
        labelling,
        onRun: (begun, lesson, points) => {
          const onResult = (result: SemiSupervised): void => {
            run = result;
            files.draw();
            void others.predictedBy(result, closed).then(files.draw, () => {});
          };
          const onStop = (): void => {
            run = undefined;
            files.draw();
            offer();
          };
          const session = { app, labelling, run: begun, lesson, points, onResult, onStop, closed };
          semi.replaceChildren(semiSession(session));
        },
      }),
    );
  offer();
  const spread = spreading({ labelling, classes, others, onSpread: files.draw });
  const all = el(
    "section",
    {},
    el("h2", {}, "Learn from all pictures"),
    el("h3", {}, "At once: labels spread to what is alike"),
    spread,
    el("h3", {}, "In minutes: a network trains on all pictures (FixMatch)"),
    semi,
  );
  const out = el("section", {}, el("h2", {}, "Take the results with you"), files.element);
  if (labelling.source.truth) out.append(howRight(labelling, others));
  return [all, out];
}
