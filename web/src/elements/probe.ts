/** `<kith-probe>`: classes by examples, a linear probe that learns them, and what it says of others. */
import type { TemplateResult } from "lit-html";
import {
  KithError,
  trainLinearProbe,
  type ClassShare,
  type Encoder,
  type LinearProbe,
  type ProbeConfig,
} from "../index.js";
import { engineOptions } from "./attributes.js";
import { embedAll, embeddingsOf } from "./embedding.js";
import { KithElement } from "./kith-element.js";
import { probeView } from "./probe-view.js";
import { fromSource, type ElementPicture, type Picture, type PictureSource } from "./pictures.js";

/** A picture that was classified. */
export interface Prediction {
  /** Which. */
  readonly picture: ElementPicture;
  /** All classes, most likely first. */
  readonly shares: readonly ClassShare[];
}

interface Made extends Prediction {
  readonly picture: Picture;
}

/** Latest predictions that are kept and shown. */
export const KEPT_PREDICTIONS = 12;

/**
 * Learns classes from labelled pictures, shows how well, and classifies other pictures. Attributes:
 * `src`, `labels`, `validation-split`, and those that docs/elements.md lists. Events: `kith-ready`,
 * `kith-embeddings`, `kith-label`, `kith-probe`, `kith-prediction`, `kith-state`, `kith-error`.
 */
export class KithProbe extends KithElement {
  /** @internal */
  static override readonly observedAttributes = [
    ...KithElement.observedAttributes,
    "labels",
    "validation-split",
  ];

  #probe: LinearProbe | undefined;
  #given: LinearProbe | undefined;
  #config: ProbeConfig = {};
  #chosen: Picture | undefined;
  #named: string[] = [];
  #predictions: readonly Made[] = [];
  #newest: "probe" | "prediction" | undefined;

  /** The probe, once it is trained. */
  get probe(): LinearProbe | undefined {
    return this.#probe;
  }

  /** A probe of one's own is used as it is, and examples change nothing; undefined trains again. */
  set probe(probe: LinearProbe | undefined) {
    this.#given = probe;
    this.#probe = probe;
    this.refresh();
  }

  /** Settings of `trainLinearProbe`; the attribute `validation-split` goes before its own. */
  get config(): ProbeConfig {
    return this.#config;
  }

  /** Trains anew. */
  set config(config: ProbeConfig) {
    this.#config = config;
    this.refresh();
  }

  /** Names of all classes: those of the attribute `labels`, then as they came. */
  get classes(): readonly string[] {
    const listed = (this.getAttribute("labels") ?? "").split(",").map((name) => name.trim());
    const used = this.list.all.flatMap(({ label }) => label ?? []);
    return [...new Set([...listed, ...this.#named, ...used])].filter(Boolean);
  }

  /** The label of each of `pictures`; null where there is none. */
  get labels(): readonly (string | null)[] {
    return this.pictures.map(({ label }) => label);
  }

  /** The latest predictions, newest first: at most 12. */
  get predictions(): readonly Prediction[] {
    return this.#predictions;
  }

  /** @internal What came last, for screen readers. */
  get newest(): "probe" | "prediction" | undefined {
    return this.#newest;
  }

  /** The picture that a class is chosen for; null for none. */
  get selected(): ElementPicture | null {
    return this.#chosen ?? null;
  }

  /** One that is not among `pictures`, or null, chooses none. */
  set selected(picture: ElementPicture | null) {
    this.#chosen = this.list.all.find(({ id }) => id === picture?.id);
    this.draw();
  }

  /**
   * Gives a picture a class, or none (null). The probe is trained anew. Errors: `SETTING` for a picture
   * of another element.
   */
  label(picture: ElementPicture, label: string | null): void {
    const own = this.list.all.find(({ id }) => id === picture.id);
    if (!own) throw new KithError("SETTING", `${picture.name} is no picture of this element`);
    if (own.label === label) return;
    own.label = label;
    this.emit("kith-label", { picture: own, label });
    this.refresh();
  }

  /** Adds a class that has no picture yet. Errors: `SETTING` for a name without a letter. */
  addClass(name: string): void {
    const trimmed = name.trim();
    if (!trimmed) throw new KithError("SETTING", "expected the name of a class, got none");
    if (!this.classes.includes(trimmed)) this.#named.push(trimmed);
    this.draw();
  }

  /**
   * Classifies pictures, shows what they are taken for, and gives it back. Errors: `IMAGE_DECODE`,
   * `TOO_FEW_EXAMPLES` where there is no probe yet, `ENCODER_MISMATCH` for a probe of another encoder.
   */
  async classify(
    given: readonly (string | URL | Blob | PictureSource)[],
  ): Promise<readonly Prediction[]> {
    const { encoder } = this;
    const probe = this.#probe;
    if (!encoder || !probe) {
      throw new KithError("TOO_FEW_EXAMPLES", "expected a trained probe, got none yet");
    }
    const pictures = Array.from(given, (one, place) => fromSource(one, "added", place));
    await embedAll(encoder, pictures, { signal: this.ends, onProgress: () => {} });
    const failed = pictures.find(({ error }) => error);
    if (failed) throw failed.error!;
    const answers = probe.predict(embeddingsOf(encoder, pictures));
    const found = pictures.map((picture, place) => ({ picture, shares: answers[place]! }));
    this.#keep([...found].reverse());
    for (const prediction of found) this.emit("kith-prediction", prediction);
    return found;
  }

  /** @internal The same for files of a visitor: what fails is shown. */
  async classifyFiles(files: readonly File[]): Promise<void> {
    try {
      delete this.failure;
      await this.classify(files);
    } catch (error) {
      if (this.isConnected) this.fail(error);
    }
  }

  #keep(found: readonly Made[]): void {
    const all = [...found, ...this.#predictions];
    all.slice(KEPT_PREDICTIONS).forEach(({ picture }) => picture.close());
    this.#predictions = all.slice(0, KEPT_PREDICTIONS);
    this.#newest = "prediction";
    this.draw();
  }

  /** @internal */
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    queueMicrotask(() => {
      if (!this.isConnected) this.#predictions.forEach(({ picture }) => picture.close());
    });
  }

  /** @internal */
  override upgraded(): string[] {
    return [...super.upgraded(), "probe", "config", "selected"];
  }

  /** @internal Learns from all pictures that have a class, if there are two classes. */
  override async use(
    encoder: Encoder,
    pictures: readonly Picture[],
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#chosen && !pictures.includes(this.#chosen)) this.#chosen = undefined;
    if (this.#given) return;
    const examples = pictures.filter(({ label }) => label !== null);
    const labels = examples.map(({ label }) => label!);
    if (new Set(labels).size < 2) {
      this.#probe = undefined;
      return;
    }
    this.setState("training");
    const config = { ...this.#config, ...this.#split(), ...engineOptions(this, this.options) };
    const onProgress = this.tell.bind(this);
    const run = trainLinearProbe(embeddingsOf(encoder, examples), labels, {
      ...config,
      signal,
      onProgress,
    });
    this.#probe = await run.result;
    this.#newest = "probe";
    this.emit("kith-probe", { probe: this.#probe, report: this.#probe.report });
  }

  #split(): Pick<ProbeConfig, "validationSplit"> {
    const given = this.getAttribute("validation-split");
    return given === null ? {} : { validationSplit: given.trim() === "" ? NaN : Number(given) };
  }

  /** @internal */
  override view(): TemplateResult {
    return probeView(this);
  }
}
