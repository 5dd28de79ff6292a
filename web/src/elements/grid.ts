/** A grid of pictures of which one is chosen: one stop of the Tab key, arrow keys within. */
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Picture } from "./pictures.js";

export interface GridOptions {
  readonly label: string;
  readonly chosen: Picture | undefined;
  readonly choose: (picture: Picture) => void;
  /** What is written below a picture. */
  readonly caption?: (picture: Picture) => TemplateResult;
  /** Keys of the element's own, with the picture that has the focus. */
  readonly onKey?: (key: string, picture: Picture) => boolean;
}

export function grid(pictures: readonly Picture[], options: GridOptions): TemplateResult {
  const { label, chosen } = options;
  const entry = chosen && pictures.includes(chosen) ? chosen : pictures[0];
  return html`<ul
    part="pictures"
    class="pictures"
    role="listbox"
    aria-label=${label}
    @keydown=${(event: KeyboardEvent) => keyed(event, pictures, options)}
  >
    ${repeat(
      pictures,
      ({ id }) => id,
      (picture) => option(picture, picture === entry, options),
    )}
  </ul>`;
}

function option(
  picture: Picture,
  isEntry: boolean,
  { chosen, choose, caption }: GridOptions,
): TemplateResult {
  const isChosen = picture === chosen;
  return html`<li
    part=${isChosen ? "picture chosen" : "picture"}
    class="picture"
    role="option"
    aria-selected=${isChosen}
    tabindex=${isEntry ? 0 : -1}
    @click=${() => choose(picture)}
  >
    ${thumbnail(picture)}${caption?.(picture) ?? nothing}
  </li>`;
}

/** A picture as small as the grid has it. */
export function thumbnail(picture: Picture): TemplateResult {
  return html`<img
    part="image"
    src=${picture.url}
    alt=${picture.name}
    title=${picture.name}
    crossorigin=${picture.crossOrigin ?? nothing}
    decoding="async"
  />`;
}

function keyed(
  event: KeyboardEvent,
  pictures: readonly Picture[],
  { choose, onKey }: GridOptions,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const options = [...(event.currentTarget as Element).children] as HTMLElement[];
  const place = options.indexOf((event.target as Element).closest<HTMLElement>("li")!);
  const picture = pictures[place];
  if (!picture) return;
  const next = target(event.key, options, place);
  if (next) next.focus();
  else if (event.key === "Enter" || event.key === " ") choose(picture);
  else if (!onKey?.(event.key, picture)) return;
  event.preventDefault();
}

/** Where a key leads; undefined for a key that leads nowhere. */
function target(
  key: string,
  options: readonly HTMLElement[],
  place: number,
): HTMLElement | undefined {
  const stays = options[place];
  if (key === "Home") return options[0];
  if (key === "End") return options.at(-1);
  if (key === "ArrowLeft") return options[place - 1] ?? stays;
  if (key === "ArrowRight") return options[place + 1] ?? stays;
  if (key === "ArrowUp") return below([...options.slice(0, place)].reverse(), stays!) ?? stays;
  if (key === "ArrowDown") return below(options.slice(place + 1), stays!) ?? stays;
  return undefined;
}

/** The first of some options, going away from `from`, that is in another row, at its column or before. */
function below(options: readonly HTMLElement[], from: HTMLElement): HTMLElement | undefined {
  const row = options.find(({ offsetTop }) => offsetTop !== from.offsetTop)?.offsetTop;
  const inRow = options.filter(({ offsetTop }) => offsetTop === row);
  const far = ({ offsetLeft }: HTMLElement): number => Math.abs(offsetLeft - from.offsetLeft);
  return inRow.sort((a, b) => far(a) - far(b))[0];
}
