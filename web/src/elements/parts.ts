/** What both elements show: what is being done, what failed, what computes, and where pictures go in. */
import { html, nothing, type TemplateResult } from "lit-html";
import { KithError } from "../index.js";
import { counted, deviceWords, progressWords } from "./words.js";
import type { KithElement } from "./kith-element.js";
import type { Picture } from "./pictures.js";

/** Above all else: progress, an error, pictures that failed. */
export function statusView(element: KithElement): TemplateResult {
  const { state } = element;
  const progress = state === "loading" || state === "embedding" ? progressView(element) : nothing;
  return html`${progress}${errorView(element)}${failedView(element)}`;
}

/** How far what is being done is. */
export function progressView({ progress }: KithElement): TemplateResult {
  const words = progress ? progressWords(progress) : "Loading";
  // The number is not announced whenever it moves: `role=status` below says what is done.
  return html`<label part="progress" class="progress">
    <span>${words}</span>
    <progress max="1" value=${progress?.fraction ?? nothing}></progress>
  </label>`;
}

function errorView(element: KithElement): TemplateResult | typeof nothing {
  const { failure } = element;
  if (!failure) return nothing;
  const known = failure instanceof KithError;
  return html`<div part="error" class="error" role="alert">
    <p>${failure.message}</p>
    ${known ? html`<p>${failure.hint} <code>${failure.code}</code></p>` : nothing}
    <button part="button" type="button" @click=${() => element.refresh()}>Try again</button>
  </div>`;
}

function failedView(element: KithElement): TemplateResult | typeof nothing {
  const failed = element.list.all.filter(({ error }) => error);
  if (failed.length === 0) return nothing;
  return html`<div part="error" class="error" role="alert">
    <p>${counted(failed.length, "picture")} cannot be used:</p>
    <ul>
      ${failed.map((picture) => failedItem(element, picture))}
    </ul>
  </div>`;
}

function failedItem(element: KithElement, picture: Picture): TemplateResult {
  const remove = html`<button
    part="button"
    type="button"
    aria-label=${`Remove ${picture.name}`}
    @click=${() => element.list.remove(picture)}
  >
    Remove
  </button>`;
  return html`<li>
    ${picture.error!.message.replace(/\.+$/, "")}. ${picture.error!.hint}
    ${picture.from === "added" ? remove : nothing}
  </li>`;
}

/** Which device computes, below all else. */
export function deviceView({ encoder }: KithElement): TemplateResult {
  return html`<p part="device" class="device">
    ${encoder ? deviceWords(encoder.device) : nothing}
  </p>`;
}

/** What a screen reader says when it changes. */
export function announced(words: string): TemplateResult {
  return html`<p class="announced" role="status">${words}</p>`;
}

export interface InputOptions {
  /** What its button says. */
  readonly words: string;
  readonly take: (files: readonly File[]) => void;
  readonly disabled?: boolean;
  /** Beside the button; empty for none. Default: that files can be dropped. */
  readonly note?: string;
}

/** Takes files that are dropped anywhere on what is in it; none of them replaces the page. */
export function dropArea(
  [label, take]: readonly [label: string, take: InputOptions["take"]],
  content: TemplateResult,
): TemplateResult {
  return html`<section
    part="frame"
    class="frame"
    aria-label=${label}
    @dragover=${(event: DragEvent) => dragged(event, false)}
    @dragleave=${(event: DragEvent) => over(event, false)}
    @drop=${(event: DragEvent) => dropped(event, take)}
  >
    ${content}
  </section>`;
}

/** A button that opens the browser's choice of files; files can be dropped on it too. */
export function pictureInput({
  words,
  take,
  disabled = false,
  note,
}: InputOptions): TemplateResult {
  const chosen = ({ target }: Event): void => {
    const input = target as HTMLInputElement;
    take([...(input.files ?? [])]);
    input.value = ""; // The same file can be chosen again.
  };
  const open = ({ currentTarget }: Event): void =>
    (currentTarget as Element).parentElement!.querySelector("input")!.click();
  return html`<div
    part="input"
    class="input"
    @dragover=${(event: DragEvent) => dragged(event, disabled)}
    @dragleave=${(event: DragEvent) => over(event, false)}
    @drop=${(event: DragEvent) => dropped(event, disabled ? undefined : take)}
  >
    <button part="button" type="button" ?disabled=${disabled} @click=${open}>${words}</button>
    <input type="file" accept="image/*" multiple hidden aria-label=${words} @change=${chosen} />
    ${note === "" ? nothing : html`<span class="note">${note ?? "or drop them here"}</span>`}
  </div>`;
}

function dragged(event: DragEvent, disabled: boolean): void {
  if (disabled || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  event.stopPropagation();
  over(event, true);
}

function over({ currentTarget }: DragEvent, is: boolean): void {
  (currentTarget as Element).classList.toggle("over", is);
}

function dropped(event: DragEvent, take: InputOptions["take"] | undefined): void {
  // A file that is dropped must never replace the page.
  event.preventDefault();
  event.stopPropagation();
  over(event, false);
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length > 0) take?.(files);
}
