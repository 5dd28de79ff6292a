/** `<kith-neighbours>`: pictures, and for a chosen one those that are most like it. */
import { html, nothing, type TemplateResult } from "lit-html";
import { KnnIndex, type Embeddings, type Encoder } from "../index.js";
import { embeddingsOf } from "./embedding.js";
import type { PictureNeighbor } from "./events.js";
import { grid, thumbnail } from "./grid.js";
import { KithElement } from "./kith-element.js";
import { announced, deviceView, dropArea, pictureInput, statusView } from "./parts.js";
import type { ElementPicture, Picture } from "./pictures.js";
import { cosineWords, counted } from "./words.js";

/** Neighbours that are shown where `k` says nothing else. */
const K = 5;

interface Neighbour extends PictureNeighbor {
  readonly picture: Picture;
}

/**
 * Pictures, and the nearest others of a chosen one by the cosine of their embeddings. Attributes:
 * `src`, `k`, and those that docs/elements.md lists. Events: `kith-ready`, `kith-embeddings`,
 * `kith-neighbours`, `kith-state`, `kith-error`.
 */
export class KithNeighbours extends KithElement {
  /** @internal */
  static override readonly observedAttributes = [...KithElement.observedAttributes, "k"];

  #index: KnnIndex | undefined;
  #embeddings: Embeddings | undefined;
  #compared: readonly Picture[] = [];
  #chosen: Picture | undefined;
  #found: readonly Neighbour[] = [];

  /** How many neighbours are shown, at least 1; fewer where there are fewer pictures. Default 5. */
  get k(): number {
    return Number(this.getAttribute("k") ?? K);
  }

  /** Writes the attribute. */
  set k(k: number) {
    this.setAttribute("k", String(k));
  }

  /** The chosen picture; null for none. */
  get selected(): ElementPicture | null {
    return this.#chosen ?? null;
  }

  /** One that is not among `pictures`, or null, chooses none. */
  set selected(picture: ElementPicture | null) {
    this.#chosen = this.list.all.find(({ id }) => id === picture?.id);
    this.#search();
  }

  /** The neighbours of `selected`, nearest first. */
  get neighbours(): readonly PictureNeighbor[] {
    return this.#found;
  }

  /** One row for each picture that can be read, in the order of `pictures`. */
  get embeddings(): Embeddings | undefined {
    return this.#embeddings;
  }

  /** @internal */
  override upgraded(): string[] {
    return [...super.upgraded(), "k", "selected"];
  }

  /** @internal */
  override use(encoder: Encoder, pictures: readonly Picture[]): void {
    this.#embeddings = embeddingsOf(encoder, pictures);
    this.#index = new KnnIndex(encoder.info.dim);
    this.#index.add(
      this.#embeddings,
      pictures.map(({ id }) => ({ id })),
    );
    this.#compared = pictures;
    if (this.#chosen && !pictures.includes(this.#chosen)) this.#chosen = undefined;
    this.#find();
  }

  /** Chooses by hand: an error is shown. */
  #search(): void {
    try {
      this.#find();
      this.draw();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Errors: `SETTING` for a `k` that is none. */
  #find(): void {
    const picture = this.#chosen;
    this.#found = [];
    if (!picture?.embedding || !this.#index || !this.#compared.includes(picture)) return;
    const options = { k: this.k, exclude: [picture.id] };
    const [found] = this.#index.query(picture.embedding.row, options);
    this.#found = found!.map(({ index, similarity }) => {
      return { picture: this.#compared[index]!, cosine: similarity };
    });
    this.emit("kith-neighbours", { picture, neighbours: this.#found });
  }

  /** @internal */
  override view(): TemplateResult {
    const pictures = this.list.all.filter(({ error }) => !error);
    const added = this.list.all.some(({ from }) => from === "added");
    const content = html`${statusView(this)}
      ${pictures.length > 0 ? this.#gridView(pictures) : nothing}
      <div class="row">
        ${pictureInput({ words: "Add pictures", take: (files) => this.add(files) })}
        ${added ? this.#removeButton() : nothing}
      </div>
      ${this.#foundView()} ${deviceView(this)} ${announced(this.#announcement())}`;
    return dropArea(["Nearest pictures", (files) => this.add(files)], content);
  }

  #removeButton(): TemplateResult {
    return html`<button part="button" type="button" @click=${() => this.removeAdded()}>
      Remove added pictures
    </button>`;
  }

  #gridView(pictures: readonly Picture[]): TemplateResult {
    return grid(pictures, {
      label: "Pictures: choose one to see what is most like it",
      chosen: this.#chosen,
      choose: (picture) => (this.selected = picture),
    });
  }

  #foundView(): TemplateResult {
    const words = this.#hint();
    if (this.#found.length === 0) return html`<p part="hint" class="hint">${words}</p>`;
    return html`<p part="hint" class="hint" id="found">${words}</p>
      <ol part="neighbours" class="pictures" aria-labelledby="found">
        ${this.#found.map((neighbour) => this.#neighbourView(neighbour))}
      </ol>`;
  }

  #neighbourView({ picture, cosine }: Neighbour): TemplateResult {
    return html`<li part="neighbour">
      <button class="picture" type="button" @click=${() => (this.selected = picture)}>
        ${thumbnail(picture)}
        <span part="cosine" class="caption">${cosineWords(cosine)}</span>
      </button>
    </li>`;
  }

  /** What to do, or what is seen. */
  #hint(): string {
    const { state } = this;
    if (this.#found.length > 0) {
      const others = counted(this.#compared.length - 1, "other picture");
      return `Most like “${this.#chosen!.name}” among ${others}, with the cosine of both (1 is the same):`;
    }
    if (state === "error" || state === "loading" || state === "embedding") return "";
    if (this.pictures.length === 0) return "There are no pictures yet.";
    if (!this.encoder) return "There is no encoder yet: the page has to name one (src).";
    if (this.#compared.length < 2) return "There is nothing to compare with: add pictures.";
    return "Choose a picture to see which others are most like it.";
  }

  #announcement(): string {
    if (this.state === "loading" || this.state === "embedding") return "Working";
    const list = this.#found.map(({ picture, cosine }) => `${picture.name} ${cosineWords(cosine)}`);
    return [this.#hint(), list.join(", ")].filter(Boolean).join(" ");
  }
}
