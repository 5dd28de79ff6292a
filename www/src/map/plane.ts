/** A plane of points to walk over: move, zoom, point at one, draw a line around many. */
import { el } from "../element.js";
import { nearestOf, screen, squared, within, type Point } from "./geometry.js";
import { listen, type Gestures } from "./gestures.js";

/** Draws point `place` at a place of the screen, `size` pixels wide. */
export type Stamp = (
  context: CanvasRenderingContext2D,
  place: number,
  at: [number, number],
  size: number,
) => void;

export interface Told {
  /** A point lies under the pointer, or none. */
  readonly hovered: (place: number | undefined, at: [number, number]) => void;
  readonly picked: (place: number) => void;
  readonly circled: (places: number[]) => void;
}

const [SMALLEST, LARGEST] = [0.5, 60];

export class Plane {
  readonly element: HTMLCanvasElement;
  /** Whether it is white whatever the colours of the page, as pictures need it. */
  paper = false;
  /** Whether a drag draws a line around points instead of moving the plane. */
  lasso = false;
  readonly #told: Told;
  readonly #context: CanvasRenderingContext2D;
  #points = new Float32Array(0);
  #stamp: Stamp = () => {};
  #view = { zoom: 1, x: 0, y: 0 };
  #marked: readonly number[] = [];
  #line: Point[] = [];
  #frame = 0;

  constructor(name: string, told: Told, ended: AbortSignal) {
    const attributes = { class: "plane", tabindex: 0, role: "application", "aria-label": name };
    this.element = el("canvas", attributes);
    this.#context = this.element.getContext("2d")!;
    this.#told = told;
    listen(this.element, this.#gestures());
    const sized = new ResizeObserver(() => this.draw());
    sized.observe(this.element);
    ended.addEventListener("abort", () => sized.disconnect());
  }

  /** Points `[count, 2]`, and how each is drawn. */
  show(points: Float32Array, stamp: Stamp): void {
    this.#points = squared(points);
    this.#stamp = stamp;
    this.draw();
  }

  draw(): void {
    this.#frame ||= requestAnimationFrame(() => this.#paint());
  }

  mark(places: readonly number[]): void {
    this.#marked = places;
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

  #at(place: number): Point {
    const point: Point = [this.#points[2 * place]!, this.#points[2 * place + 1]!];
    return screen(point, this.#view, this.element);
  }

  #places(): number[] {
    return Array.from({ length: this.#points.length / 2 }, (_, place) => place);
  }

  #nearest(to: Point): number | undefined {
    return nearestOf(this.#points.length / 2, (place) => this.#at(place), to);
  }

  #paint(): void {
    this.#frame = 0;
    const [context, { clientWidth: width, clientHeight: height }] = [this.#context, this.element];
    fit(this.element, context);
    const size = Math.min(6 + 3 * Math.sqrt(this.#view.zoom), 40);
    this.element.classList.toggle("paper", this.paper);
    for (const place of this.#places()) {
      const [x, y] = this.#at(place);
      const inside = x > -size && y > -size && x < width + size && y < height + size;
      if (inside) this.#stamp(context, place, [x, y], size);
    }
    const marked = this.#marked.map((place) => this.#at(place));
    ring(context, marked, size, this.paper);
    outline(context, this.#line);
  }

  #gestures(): Gestures {
    const move = ([dx, dy]: Point): void => {
      const { zoom, x, y } = this.#view;
      this.#view = { zoom, x: x + dx, y: y + dy };
      this.draw();
    };
    return {
      hovered: (point) => this.#told.hovered(this.#nearest(point), point),
      left: () => this.#told.hovered(undefined, [0, 0]),
      tapped: (point) => {
        const place = this.#nearest(point);
        if (place !== undefined) this.#told.picked(place);
      },
      dragged: (from, to) => {
        if (!this.lasso) return move([to[0] - from[0], to[1] - from[1]]);
        this.#line.push(to);
        this.draw();
      },
      dropped: () => this.#circle(),
      turned: (factor) => this.zoom(factor),
      walked: move,
    };
  }

  /** Tells what the line that was drawn goes around. */
  #circle(): void {
    const line = this.#line;
    this.#line = [];
    this.draw();
    if (line.length < 3) return;
    this.#told.circled(this.#places().filter((place) => within(this.#at(place), line)));
  }
}

/** As many canvas pixels as the screen has. */
function fit(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): void {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(
    Math.round,
  ) as Point;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
}

function ring(
  context: CanvasRenderingContext2D,
  points: readonly Point[],
  size: number,
  paper: boolean,
): void {
  const ink = getComputedStyle(document.body).getPropertyValue("--ink");
  context.strokeStyle = paper ? "#000" : ink;
  context.lineWidth = 2;
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(x, y, size / 2 + 3, 0, 2 * Math.PI);
    context.stroke();
  }
}

function outline(context: CanvasRenderingContext2D, line: readonly Point[]): void {
  if (line.length === 0) return;
  context.strokeStyle = getComputedStyle(document.body).getPropertyValue("--accent");
  context.lineWidth = 2;
  context.beginPath();
  for (const [x, y] of line) context.lineTo(x, y);
  context.closePath();
  context.stroke();
}
