/** Labels of pictures that nobody has labelled: from which step they come last. */
import type { SemiSupervised } from "kith-web";
import { yieldToBrowser } from "../debounce.js";
import { pixelsOfAll } from "../pixels.js";
import type { Picture } from "../picture.js";
import type { Labelling } from "./labelling.js";
import { guesses } from "./learning.js";
import { isOpen } from "./mark.js";

/** Where a label comes from. */
export type Origin = "given" | "propagated" | "predicted";

/** Pictures that a probe is asked about before the browser may draw. */
const CHUNK = 256;

interface Said {
  readonly label: string;
  readonly origin: Origin;
}

/** What the last step says of pictures without a label: the probe, label propagation, or the trained network. */
export class Others {
  readonly #labelling: Labelling;
  #said: ReadonlyMap<Picture, Said> = new Map();
  /** Which step that was. */
  from: "probe" | "propagation" | "network" = "probe";

  constructor(labelling: Labelling) {
    this.#labelling = labelling;
  }

  /** Labels that have spread; the probe speaks where none arrived. */
  spread(labels: readonly (string | null)[]): void {
    const { pictures } = this.#labelling;
    const arrived = pictures.flatMap((picture, place): [Picture, Said][] => {
      const label = labels[place];
      return label && isOpen(picture) ? [[picture, { label, origin: "propagated" }]] : [];
    });
    this.#said = new Map(arrived);
    this.from = "propagation";
  }

  /** What a run's network takes the pictures for. */
  async predictedBy(run: SemiSupervised, signal: AbortSignal): Promise<void> {
    const open = this.#labelling.pictures.filter(isOpen);
    const best = await run.classify(pixelsOfAll(open), { topK: 1, signal });
    const said = best.map(([first], at): [Picture, Said] => [
      open[at]!,
      { label: first!.label, origin: "predicted" },
    ]);
    this.#said = new Map(said);
    this.from = "network";
  }

  /** One label a picture that has none, where something is known. */
  async labels(): Promise<ReadonlyMap<Picture, Said>> {
    const { pictures, learnt, network } = this.#labelling;
    const all = new Map([...this.#said].filter(([picture]) => isOpen(picture)));
    const silent = pictures.filter((picture) => isOpen(picture) && !all.has(picture));
    for (let from = 0; learnt && from < silent.length; from += CHUNK) {
      const some = silent.slice(from, from + CHUNK);
      const labels = guesses(learnt.probe, network, some);
      some.forEach((each, at) => all.set(each, { label: labels[at]!, origin: "predicted" }));
      await yieldToBrowser();
    }
    return all;
  }
}
