/** A scatter plot on a canvas: pan, zoom, pick a point, select points with a lasso. */
import { el } from "../element.js";
import { nearestPoint, toCanvas, fitIntoSquare, isInside, type Point } from "./geometry.js";
import { listen, type GestureHandlers } from "./gestures.js";

/** Draws point `index` at a position of the canvas, `size` pixels wide; says whether it could already. */
export type DrawPoint = (
  context: CanvasRenderingContext2D,
  index: number,
  at: [number, number],
  size: number,
) => boolean;

export interface ScatterEvents {
  /** The point under the pointer, if any. */
  readonly onHover: (index: number | undefined, at: [number, number]) => void;
  readonly onPick: (index: number) => void;
  readonly onSelect: (indices: number[]) => void;
}

const [SMALLEST, LARGEST] = [0.5, 60];

/** Points that come later are drawn for so long in a frame: people may do something else meanwhile. */
const SLICE_MS = 8;

export class ScatterPlot {
  readonly element: HTMLCanvasElement;
  /** Whether the background is white in dark mode too, as pictures need it. */
  whiteBackground = false;
  /** Whether dragging draws a line around points instead of moving the map. */
  lasso = false;
  readonly #events: ScatterEvents;
  readonly #context: CanvasRenderingContext2D;
  #points = new Float32Array(0);
  #drawPoint: DrawPoint = () => true;
  /** Points that could not be drawn yet. */
  readonly #missing = new Set<number>();
  /** Of these, those that are to be tried again. */
  #untried: number[] = [];
  #view = { zoom: 1, x: 0, y: 0 };
  #marked: readonly number[] = [];
  #line: Point[] = [];
  /** The canvas's size, read once a frame: the browser may have to lay the page out for it. */
  #box = { clientWidth: 0, clientHeight: 0 };
  #frame = 0;
  #filling = 0;

  constructor(name: string, events: ScatterEvents, closed: AbortSignal) {
    const attributes = {
      class: "scatter-plot",
      tabindex: 0,
      role: "application",
      "aria-label": name,
    };
    this.element = el("canvas", attributes);
    this.#context = this.element.getContext("2d")!;
    this.#events = events;
    listen(this.element, this.#handlers());
    const sized = new ResizeObserver(() => this.draw());
    sized.observe(this.element);
    closed.addEventListener("abort", () => sized.disconnect());
  }

  /** Shows points `[count, 2]`, each drawn by `drawPoint`. */
  show(points: Float32Array, drawPoint: DrawPoint): void {
    this.#points = fitIntoSquare(points);
    this.#drawPoint = drawPoint;
    this.draw();
  }

  draw(): void {
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  /** Draws those points that could not be drawn before, over what is there. */
  fill(): void {
    this.#untried = [...this.#missing];
    this.#filling ||= requestAnimationFrame(() => this.#fill());
  }

  mark(indices: readonly number[]): void {
    this.#marked = indices;
    this.draw();
  }

  zoom(factor: number): void {
    const before = this.#view;
    const zoom = Math.min(Math.max(before.zoom * factor, SMALLEST), LARGEST);
    const [x, y] = [(before.x * zoom) / before.zoom, (before.y * zoom) / before.zoom];
    this.#view = { zoom, x, y };
    this.draw();
  }

  reset(): void {
    this.#view = { zoom: 1, x: 0, y: 0 };
    this.draw();
  }

  #at(index: number): Point {
    const point: Point = [this.#points[2 * index]!, this.#points[2 * index + 1]!];
    return toCanvas(point, this.#view, this.#box);
  }

  #indices(): number[] {
    return Array.from({ length: this.#points.length / 2 }, (_, index) => index);
  }

  #nearest(to: Point): number | undefined {
    return nearestPoint(this.#points.length / 2, (index) => this.#at(index), to);
  }

  #paint(): void {
    this.#frame = 0;
    this.#measure();
    resizeCanvas(this.element, this.#context);
    this.element.classList.toggle("white-background", this.whiteBackground);
    this.#missing.clear();
    for (const index of this.#indices()) if (!this.#drawn(index)) this.#missing.add(index);
    this.#drawMarks();
  }

  #fill(): void {
    this.#filling = 0;
    this.#measure();
    const until = performance.now() + SLICE_MS;
    const untried = this.#untried;
    while (untried.length > 0 && performance.now() < until) {
      const index = untried.pop()!;
      if (this.#missing.has(index) && this.#drawn(index)) this.#missing.delete(index);
    }
    if (untried.length > 0) this.#filling = requestAnimationFrame(() => this.#fill());
    this.#drawMarks();
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.element;
    this.#box = { clientWidth, clientHeight };
  }

  /** Draws a point if it is in sight; says whether nothing of it is missing. */
  #drawn(index: number): boolean {
    const { clientWidth: width, clientHeight: height } = this.#box;
    const size = this.#size();
    const [x, y] = this.#at(index);
    const inside = x > -size && y > -size && x < width + size && y < height + size;
    return !inside || this.#drawPoint(this.#context, index, [x, y], size);
  }

  #size(): number {
    return Math.min(6 + 3 * Math.sqrt(this.#view.zoom), 40);
  }

  #drawMarks(): void {
    const marked = this.#marked.map((index) => this.#at(index));
    drawRings(this.#context, marked, this.#size(), this.whiteBackground);
    drawLine(this.#context, this.#line);
  }

  #handlers(): GestureHandlers {
    const move = ([dx, dy]: Point): void => {
      const { zoom, x, y } = this.#view;
      this.#view = { zoom, x: x + dx, y: y + dy };
      this.draw();
    };
    return {
      onHover: (point) => this.#events.onHover(this.#nearest(point), point),
      onLeave: () => this.#events.onHover(undefined, [0, 0]),
      onTap: (point) => {
        const index = this.#nearest(point);
        if (index !== undefined) this.#events.onPick(index);
      },
      onDrag: (from, to) => {
        if (!this.lasso) return move([to[0] - from[0], to[1] - from[1]]);
        this.#line.push(to);
        this.draw();
      },
      onDrop: () => this.#select(),
      onZoom: (factor) => this.zoom(factor),
      onPan: move,
    };
  }

  /** Reports the points inside the line. */
  #select(): void {
    const line = this.#line;
    this.#line = [];
    this.draw();
    if (line.length < 3) return;
    this.#events.onSelect(this.#indices().filter((index) => isInside(this.#at(index), line)));
  }
}

/** Gives the canvas the resolution of the screen, and clears it. */
function resizeCanvas(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): void {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(
    Math.round,
  ) as Point;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
}

function drawRings(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  size: number,
  whiteBackground: boolean,
): void {
  const ink = getComputedStyle(document.body).getPropertyValue("--ink");
  context.strokeStyle = whiteBackground ? "#000" : ink;
  context.lineWidth = 2;
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(x, y, size / 2 + 3, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawLine(context: CanvasRenderingContext2D, line: readonly Point[]): void {
  if (line.length === 0) return;
  context.strokeStyle = getComputedStyle(document.body).getPropertyValue("--accent");
  context.lineWidth = 2;
  context.beginPath();
  for (const [x, y] of line) context.lineTo(x, y);
  context.closePath();
  context.stroke();
}
