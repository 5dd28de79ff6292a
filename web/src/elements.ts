/**
 * kith-web/elements: `<kith-neighbours>` and `<kith-probe>`. Importing it makes both tags known.
 *
 * @module elements
 */
import { define } from "./elements/base-class.js";
import { KithNeighbours } from "./elements/neighbours.js";
import { KithProbe } from "./elements/probe.js";

export { KithNeighbours, KithProbe };
export type { ElementOptions } from "./elements/attributes.js";
export type { KithElement } from "./elements/kith-element.js";
export type {
  ElementState,
  KithElementEvent,
  KithElementEvents,
  PictureNeighbor,
} from "./elements/events.js";
export type { ElementPicture, PictureSource } from "./elements/pictures.js";
export type { Prediction } from "./elements/probe.js";

declare global {
  interface HTMLElementTagNameMap {
    "kith-neighbours": KithNeighbours;
    "kith-probe": KithProbe;
  }
}

define("kith-neighbours", KithNeighbours);
define("kith-probe", KithProbe);
