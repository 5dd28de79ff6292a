/** Pointer, wheel and keyboard input of the map. */
import type { Point } from "./geometry.js";

/** Pixels that an arrow key moves the map by. */
const STEP = 60;

export interface GestureHandlers {
  readonly onHover: (at: Point) => void;
  readonly onLeave: () => void;
  readonly onTap: (at: Point) => void;
  readonly onDrag: (from: Point, to: Point) => void;
  readonly onDrop: () => void;
  readonly onZoom: (factor: number) => void;
  readonly onPan: (by: Point) => void;
}

/** Pixels that a pointer may move during a tap. */
const TAP_TOLERANCE = 5;

/** Listens on the canvas. */
export function listen(canvas: HTMLCanvasElement, handlers: GestureHandlers): void {
  let from: Point | undefined;
  let distance = 0;
  const point = ({ offsetX, offsetY }: PointerEvent): Point => [offsetX, offsetY];
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    from = point(event);
    distance = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const to = point(event);
    if (!from) return handlers.onHover(to);
    distance += Math.hypot(to[0] - from[0], to[1] - from[1]);
    handlers.onDrag(from, to);
    from = to;
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && distance < TAP_TOLERANCE) handlers.onTap(point(event));
    from = undefined;
    handlers.onDrop();
  });
  canvas.addEventListener("pointerleave", () => handlers.onLeave());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      handlers.onZoom(Math.exp(-event.deltaY / 400));
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => handleKey(event, handlers));
}

const PAN_KEYS: Readonly<Record<string, Point>> = {
  ArrowLeft: [STEP, 0],
  ArrowRight: [-STEP, 0],
  ArrowUp: [0, STEP],
  ArrowDown: [0, -STEP],
};

function handleKey(event: KeyboardEvent, handlers: GestureHandlers): void {
  const pan = PAN_KEYS[event.key];
  if (pan) handlers.onPan(pan);
  else if (event.key === "+" || event.key === "=") handlers.onZoom(1.3);
  else if (event.key === "-") handlers.onZoom(1 / 1.3);
  else return;
  event.preventDefault();
}
