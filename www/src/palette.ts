/** Colours and shapes for classes; the shapes help users who see few colours. */
import { el } from "./element.js";

/** Paul Tol's muted scheme, ordered so that adjacent colours differ in lightness too. */
const COLOURS = [
  "#332288",
  "#88ccee",
  "#44aa99",
  "#999933",
  "#cc6677",
  "#117733",
  "#ddcc77",
  "#aa4499",
  "#882255",
  "#6f6f6f",
] as const;

type Shape = (context: CanvasRenderingContext2D, x: number, y: number, r: number) => void;

const polygon =
  (corners: number, turn: number): Shape =>
  (context, x, y, r) => {
    for (let corner = 0; corner < corners; corner += 1) {
      const angle = turn + (2 * Math.PI * corner) / corners;
      const [px, py] = [x + r * Math.cos(angle), y + r * Math.sin(angle)];
      if (corner === 0) context.moveTo(px, py);
      else context.lineTo(px, py);
    }
    context.closePath();
  };

const circle: Shape = (context, x, y, r) => {
  context.moveTo(x + r, y);
  context.arc(x, y, r, 0, 2 * Math.PI);
};

const cross =
  (turn: number): Shape =>
  (context, x, y, r) => {
    const w = r / 2.6;
    const outline = [
      [r, w],
      [w, w],
      [w, r],
      [-w, r],
      [-w, w],
      [-r, w],
      [-r, -w],
      [-w, -w],
      [-w, -r],
      [w, -r],
      [w, -w],
      [r, -w],
    ] as const;
    outline.forEach(([a, b], index) => {
      const px = x + a * Math.cos(turn) - b * Math.sin(turn);
      const py = y + a * Math.sin(turn) + b * Math.cos(turn);
      if (index === 0) context.moveTo(px, py);
      else context.lineTo(px, py);
    });
    context.closePath();
  };

const up = -Math.PI / 2;
const SHAPES: readonly Shape[] = [
  circle,
  polygon(4, Math.PI / 4),
  polygon(3, up),
  polygon(4, 0),
  cross(0),
  polygon(3, -up),
  cross(Math.PI / 4),
  polygon(5, up),
  polygon(6, 0),
];

/** A colour and a shape. */
export interface Marker {
  readonly colour: string;
  readonly shape: Shape;
}

/** The marker of class number `number`. */
export function markerOf(number: number): Marker {
  return { colour: COLOURS[number % COLOURS.length]!, shape: SHAPES[number % SHAPES.length]! };
}

/** For correct and wrong predictions: Okabe and Ito's blue and orange, a circle and a cross. */
export const RIGHT = { colour: "#0072b2", shape: circle };
export const WRONG = { colour: "#d55e00", shape: cross(Math.PI / 4) };

/** The labels, each once and sorted; their order gives each its marker. */
export const distinctLabels = (words: readonly (string | null)[]): string[] =>
  [...new Set(words)].filter((word) => word !== null).sort();

/** A marker as a small drawing, hidden from screen readers. */
export function swatch({ colour, shape }: Marker, side: number): HTMLCanvasElement {
  const canvas = el("canvas", {
    width: side,
    height: side,
    class: "swatch",
    "aria-hidden": "true",
  });
  const context = canvas.getContext("2d")!;
  context.fillStyle = colour;
  context.beginPath();
  shape(context, side / 2, side / 2, side / 2.4);
  context.fill();
  return canvas;
}
