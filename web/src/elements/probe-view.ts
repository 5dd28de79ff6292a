/** What `<kith-probe>` shows: pictures and their classes, how well the probe does, and its answers. */
import { html, nothing, type TemplateResult } from "lit-html";
import type { ClassShare, LinearProbe, ProbeReport } from "../index.js";
import { grid, thumbnail } from "./grid.js";
import {
  announced,
  deviceView,
  dropArea,
  pictureInput,
  progressView,
  statusView,
} from "./parts.js";
import type { Picture } from "./pictures.js";
import type { KithProbe, Prediction } from "./probe.js";
import { counted, percent } from "./words.js";

/** Classes whose shares are shown of a prediction. */
const SHOWN = 5;

export function probeView(element: KithProbe): TemplateResult {
  const content = html`${statusView(element)}
    <div part="labelling" class="frame">${labellingView(element)}</div>
    <div part="measured" class="measured">${measuredView(element)}</div>
    ${predictionsView(element)} ${deviceView(element)} ${announced(announcement(element))}`;
  return dropArea(["Classes by examples", (files) => element.add(files)], content);
}

function labellingView(element: KithProbe): TemplateResult {
  const pictures = element.list.all.filter(({ error }) => !error);
  const chosen = element.selected as Picture | null;
  const classes = element.classes;
  return html`${
      pictures.length > 0
        ? grid(pictures, {
            label: "Pictures: choose one, then its class",
            chosen: chosen ?? undefined,
            choose: (picture) => (element.selected = picture),
            caption: ({ label }) => html`<span class="caption">${label ?? "no class yet"}</span>`,
            onKey: (key, picture) => labelByKey(element, key, picture),
          })
        : html`<p part="hint" class="hint">There are no pictures yet.</p>`
    }
    <div part="classes" class="classes" role="group" aria-label="Classes">
      ${classes.map((name, place) => classView(element, name, place))} ${newClassView(element)}
    </div>
    <div class="row">
      ${pictureInput({ words: "Add pictures without a class", take: (files) => element.add(files) })}
      ${chosen ? chosenButtons(element, chosen) : nothing}
    </div>`;
}

function classView(element: KithProbe, name: string, place: number): TemplateResult {
  const count = element.pictures.filter(({ label }) => label === name).length;
  const chosen = element.selected as Picture | null;
  const give = (): void => {
    if (chosen) labelAndGoOn(element, chosen, name);
  };
  const key = place < 9 ? html`<span class="key" aria-hidden="true">${place + 1}</span>` : nothing;
  return html`<div part="class" class="class">
    <button
      part="button class-button"
      class="name"
      type="button"
      ?disabled=${!chosen}
      title=${chosen ? `Give “${chosen.name}” this class` : "Choose a picture first"}
      @click=${give}
    >
      ${key} ${name}, <span class="count">${counted(count, "picture")}</span>
    </button>
    ${pictureInput({
      words: `Add to ${name}`,
      take: (files) => element.add(files, name),
      note: "",
    })}
  </div>`;
}

/** Labels a picture, and goes on to the next that has no class. */
function labelAndGoOn(element: KithProbe, picture: Picture, name: string): void {
  const { all } = element.list;
  const after = all.indexOf(picture) + 1;
  element.label(picture, name);
  const next = [...all.slice(after), ...all].find(({ label, error }) => label === null && !error);
  element.selected = next ?? picture;
}

/** In the grid, 1 to 9 give a class, and Delete takes it away. */
function labelByKey(element: KithProbe, key: string, picture: Picture): boolean {
  if (key === "Delete" || key === "Backspace") {
    element.label(picture, null);
    return true;
  }
  const name = /^[1-9]$/.test(key) ? element.classes[Number(key) - 1] : undefined;
  if (name !== undefined) element.label(picture, name);
  return name !== undefined;
}

function newClassView(element: KithProbe): TemplateResult {
  const submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).querySelector("input")!;
    element.addClass(input.value);
    input.value = "";
  };
  return html`<form part="new-class" class="row" @submit=${submitted}>
    <input
      type="text"
      aria-label="Name of a new class"
      placeholder="New class"
      required
      pattern=".*\\S.*"
    />
    <button part="button" type="submit">Add the class</button>
  </form>`;
}

function chosenButtons(element: KithProbe, chosen: Picture): TemplateResult {
  const without = (): void => element.label(chosen, null);
  return html`<button
      part="button"
      type="button"
      ?disabled=${chosen.label === null}
      @click=${without}
    >
      Take its class away
    </button>
    ${
      chosen.from === "added"
        ? html`<button part="button" type="button" @click=${() => element.removeAdded(chosen)}>
            Remove the picture
          </button>`
        : nothing
    }`;
}

function measuredView(element: KithProbe): TemplateResult {
  const { probe, state } = element;
  if (state === "training") return progressView(element);
  if (!probe) return html`<p>${waiting(element)}</p>`;
  return html`<p>${accuracyWords(probe.report)}</p>
    <button part="button save" type="button" @click=${() => save(probe)}>Save the probe</button>`;
}

function waiting({ state, labels }: KithProbe): string {
  if (state === "loading" || state === "embedding" || state === "training") return "";
  const classes = new Set(labels.filter((label) => label !== null)).size;
  return `To learn, it needs pictures of at least two classes; there are pictures of ${classes}.`;
}

const MEASURED_ON: Readonly<Record<ProbeReport["measuredOn"], string>> = {
  validation: "pictures that were kept aside: it has not learnt from them",
  "cross-validation":
    "pictures, each predicted by a probe that had not learnt from it (cross-validation)",
  training:
    "pictures that it has learnt from, because no class has a second one: this says little of others",
};

/** How often the probe is right, and on what that was measured. */
function accuracyWords({ accuracy, measuredOn, perClass }: ProbeReport): string {
  const all = perClass.reduce((sum, { count }) => sum + count, 0);
  const right = Math.round(accuracy * all);
  return `Right for ${percent(accuracy)}: ${right} of ${all} ${MEASURED_ON[measuredOn]}.`;
}

function save(probe: LinearProbe): void {
  const url = URL.createObjectURL(probe.save());
  Object.assign(document.createElement("a"), { href: url, download: "probe.safetensors" }).click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function predictionsView(element: KithProbe): TemplateResult {
  return html`${pictureInput({
      words: "Which class is this picture?",
      take: (files) => void element.classifyFiles(files),
      disabled: !element.probe || !element.encoder,
    })}
    <ul part="predictions" class="predictions" aria-label="Answers, newest first">
      ${element.predictions.map(predictionView)}
    </ul>`;
}

function predictionView({ picture, shares }: Prediction): TemplateResult {
  const rest = shares.length - SHOWN;
  return html`<li part="prediction" class="prediction">
    ${thumbnail(picture as Picture)}
    <ul class="shares">
      ${shares.slice(0, SHOWN).map(shareView)}
      ${rest > 0 ? html`<li class="note">and ${counted(rest, "less likely class")}</li>` : nothing}
    </ul>
  </li>`;
}

function shareView({ label, probability }: ClassShare): TemplateResult {
  return html`<li part="share" class="share">
    <span>${label}</span>
    <span class="bar" aria-hidden="true" .style=${`--share: ${probability}`}></span>
    <span>${percent(probability)}</span>
  </li>`;
}

function announcement(element: KithProbe): string {
  const { state, probe, predictions, newest } = element;
  if (state === "loading" || state === "embedding" || state === "training") return "Working";
  const [prediction] = predictions;
  const said = prediction?.shares[0];
  if (newest === "prediction" && said) {
    return `${prediction.picture.name}: ${said.label}, ${percent(said.probability)}`;
  }
  return probe ? accuracyWords(probe.report) : waiting(element);
}
