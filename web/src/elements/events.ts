/** The events of the elements; all bubble, and leave shadow trees. */
import type {
  DeviceReport,
  Embeddings,
  EncoderInfo,
  KithError,
  LinearProbe,
  ProbeReport,
} from "../index.js";
import type { ElementPicture } from "./pictures.js";

/** What an element is doing. */
export type ElementState = "empty" | "loading" | "embedding" | "training" | "ready" | "error";

/** One of the nearest pictures. */
export interface PictureNeighbor {
  readonly picture: ElementPicture;
  /** Cosine of both embeddings, in [-1, 1]. */
  readonly cosine: number;
}

/** A class, and the probability that a picture is of it, in [0, 1]. */
export interface ClassShare {
  readonly label: string;
  readonly probability: number;
}

/** What each event carries as its `detail`. */
export interface KithElementEvents {
  /** The element's state changed. */
  "kith-state": { readonly state: ElementState };
  /** The encoder is loaded. */
  "kith-ready": { readonly device: DeviceReport; readonly info: EncoderInfo };
  /** The embeddings of all pictures that can be read are made: one row for each of `pictures`. */
  "kith-embeddings": {
    readonly embeddings: Embeddings;
    readonly pictures: readonly ElementPicture[];
  };
  /** A picture was chosen, and its neighbours were found, nearest first. */
  "kith-neighbours": {
    readonly picture: ElementPicture;
    readonly neighbours: readonly PictureNeighbor[];
  };
  /** Somebody labelled a picture, or took its label away (null). */
  "kith-label": { readonly picture: ElementPicture; readonly label: string | null };
  /** The probe was trained. */
  "kith-probe": { readonly probe: LinearProbe; readonly report: ProbeReport };
  /** A picture was classified: its classes, most likely first. */
  "kith-prediction": { readonly picture: ElementPicture; readonly shares: readonly ClassShare[] };
  /** Something failed; with `picture`, only that picture, and the others are there. */
  "kith-error": { readonly error: KithError; readonly picture?: ElementPicture };
}

/** An event of an element. */
export type KithElementEvent<K extends keyof KithElementEvents> = CustomEvent<KithElementEvents[K]>;

declare global {
  interface HTMLElementEventMap {
    "kith-state": KithElementEvent<"kith-state">;
    "kith-ready": KithElementEvent<"kith-ready">;
    "kith-embeddings": KithElementEvent<"kith-embeddings">;
    "kith-neighbours": KithElementEvent<"kith-neighbours">;
    "kith-label": KithElementEvent<"kith-label">;
    "kith-probe": KithElementEvent<"kith-probe">;
    "kith-prediction": KithElementEvent<"kith-prediction">;
    "kith-error": KithElementEvent<"kith-error">;
  }
}
