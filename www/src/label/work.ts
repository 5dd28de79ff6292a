/** Everything about the pictures of a source, once their embeddings are there. */
import { LabelPool, type CallOptions, type ProposalRule, type SemiSupervised } from "kith-web";
import { remember, wordSetting } from "../address.js";
import type { AppState } from "../app-state.js";
import { choice, el, field } from "../element.js";
import { ClassList } from "./class-list.js";
import { desk } from "./desk.js";
import { figures } from "./figures.js";
import { Labelling } from "./labelling.js";
import { hasEnough } from "./learning.js";
import { Others } from "./others.js";
import { DEFAULT_RULE, ruleInWords, RULES } from "./reasons.js";
import { results } from "./results.js";
import { semiOffer } from "./semi-offer.js";
import { semiSession } from "./semi-session.js";
import type { LabelSource } from "./sources.js";
import { spreading } from "./spread.js";
import { howRight } from "./truth.js";

/** Where the work on some pictures is shown. */
export interface View {
  readonly app: AppState;
  readonly place: HTMLElement;
  /** Aborts when other pictures are chosen. */
  readonly shown: AbortSignal;
}

/** Shows the desk, what is learnt, and what comes out; ends when the first picture is proposed. */
export async function openWork(
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
    // Another network may have been opened since, of which the probe knows nothing.
    if (!labelling.learnt || app.network !== network) return;
    app.probe = labelling.learnt.probe;
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

function ruleSetting(): ProposalRule {
  const rules = RULES.map(([rule]) => rule);
  return wordSetting("rule", rules, DEFAULT_RULE);
}

const keysOn = (): boolean => wordSetting("keys", ["on", "off"], "on") !== "off";

/** Which pictures are proposed, and whether single keys label. */
function settings(labelling: Labelling): HTMLElement {
  const words = el("p", { class: "aside", role: "status" });
  const draw = (): void => {
    const { chosen, rule: inForce, pictures } = labelling;
    words.textContent = ruleInWords({ chosen, inForce, enough: hasEnough(pictures) });
  };
  const rule = choice(RULES, labelling.chosen, (value) => {
    remember({ rule: value === DEFAULT_RULE ? undefined : value });
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
