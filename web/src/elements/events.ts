/** The events of the elements; all bubble, and leave shadow trees. */
import type {
  ClassShare,
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
  /** Which. */
  readonly picture: ElementPicture;
  /** Cosine of both embeddings, in [-1, 1]. */
  readonly cosine: number;
}

/** What each event carries as its `detail`. */
export interface KithElementEvents {
  /** The element's state changed. */
  "kith-state": {
    /** What it is doing now. */
    readonly state: ElementState;
  };
  /** The encoder is loaded. */
  "kith-ready": {
    /** What computes, and why. */
    readonly device: DeviceReport;
    /** What the checkpoint says about itself. */
    readonly info: EncoderInfo;
  };
  /** Other pictures are there, or another encoder: one row for each of `pictures`. */
  "kith-embeddings": {
    /** `[pictures, dim]`, rows of length 1. */
    readonly embeddings: Embeddings;
    /** Those that can be read, in order. */
    readonly pictures: readonly ElementPicture[];
  };
  /** A picture was chosen, and its neighbours were found, nearest first. */
  "kith-neighbours": {
    /** Which. */
    readonly picture: ElementPicture;
    /** Nearest first. */
    readonly neighbours: readonly PictureNeighbor[];
  };
  /** Somebody labelled a picture, or took its label away (null). */
  "kith-label": {
    /** Which. */
    readonly picture: ElementPicture;
    /** Its class now; null for none. */
    readonly label: string | null;
  };
  /** The probe was trained. */
  "kith-probe": {
    /** The probe. */
    readonly probe: LinearProbe;
    /** How well it does, and on what that was measured. */
    readonly report: ProbeReport;
  };
  /** A picture was classified: its classes, most likely first. */
  "kith-prediction": {
    /** Which. */
    readonly picture: ElementPicture;
    /** All classes, most likely first. */
    readonly shares: readonly ClassShare[];
  };
  /** Something failed; with `picture`, only that picture, and the others are there. */
  "kith-error": {
    /** With code and hint. */
    readonly error: KithError;
    /** The picture that failed; absent where all did. */
    readonly picture?: ElementPicture;
  };
}

/** An event of an element. */
export type KithElementEvent<K extends keyof KithElementEvents> = CustomEvent<KithElementEvents[K]>;

declare global {
  interface GlobalEventHandlersEventMap {
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
