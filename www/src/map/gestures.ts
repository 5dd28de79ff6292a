/** What fingers, mouse and keys do to the map. */
import type { Point } from "./geometry.js";

/** Pixels that an arrow key moves the map by. */
const STEP = 60;

export interface Gestures {
  readonly onHover: (at: Point) => void;
  readonly left: () => void;
  readonly tapped: (at: Point) => void;
  readonly dragged: (from: Point, to: Point) => void;
  readonly dropped: () => void;
  readonly turned: (factor: number) => void;
  readonly walked: (by: Point) => void;
}

/** Pixels that a finger may tremble while it taps. */
const TREMBLE = 5;

/** Listens on the map. */
export function listen(canvas: HTMLCanvasElement, gestures: Gestures): void {
  let from: Point | undefined;
  let travelled = 0;
  const point = ({ offsetX, offsetY }: PointerEvent): Point => [offsetX, offsetY];
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    from = point(event);
    travelled = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const to = point(event);
    if (!from) return gestures.onHover(to);
    travelled += Math.hypot(to[0] - from[0], to[1] - from[1]);
    gestures.dragged(from, to);
    from = to;
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && travelled < TREMBLE) gestures.tapped(point(event));
    from = undefined;
    gestures.dropped();
  });
  canvas.addEventListener("pointerleave", () => gestures.left());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      gestures.turned(Math.exp(-event.deltaY / 400));
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => keyed(event, gestures));
}

const WALKS: Readonly<Record<string, Point>> = {
  ArrowLeft: [STEP, 0],
  ArrowRight: [-STEP, 0],
  ArrowUp: [0, STEP],
  ArrowDown: [0, -STEP],
};

function keyed(event: KeyboardEvent, gestures: Gestures): void {
  const walk = WALKS[event.key];
  if (walk) gestures.walked(walk);
  else if (event.key === "+" || event.key === "=") gestures.turned(1.3);
  else if (event.key === "-") gestures.turned(1 / 1.3);
  else return;
  event.preventDefault();
}
