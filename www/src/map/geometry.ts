/** Positions of points on the screen, and the points at a position. */

export type Point = [number, number];

/** Largest distance of the pointer from a point that it picks, in pixels. */
const MAX_DISTANCE = 14;
const MARGIN = 0.08;

/** Moves and scales points into the square from -1 to 1; both axes are scaled alike. */
export function fitIntoSquare(points: Float32Array): Float32Array<ArrayBuffer> {
  const ends = [0, 1].map((axis) => {
    const coordinates = points.filter((_, i) => i % 2 === axis);
    return [
      coordinates.reduce((a, b) => Math.min(a, b), Infinity),
      coordinates.reduce((a, b) => Math.max(a, b), -Infinity),
    ] as const;
  });
  const half = ends.reduce((most, [low, high]) => Math.max(most, (high - low) / 2), 1e-9);
  return points.map((x, i) => {
    const [low, high] = ends[i % 2]!;
    return (x - (low + high) / 2) / half;
  }) as Float32Array<ArrayBuffer>;
}

/** The position on the canvas of a point of the square. */
export function toCanvas(
  [x, y]: Point,
  view: { zoom: number; x: number; y: number },
  canvas: Pick<HTMLCanvasElement, "clientWidth" | "clientHeight">,
): Point {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = (Math.min(width, height) / 2) * (1 - MARGIN);
  const wide = Math.min(width / height, 1.6);
  return [
    width / 2 + view.x + x * scale * wide * view.zoom,
    height / 2 + view.y - y * scale * view.zoom,
  ];
}

/** The point nearest to a position, if one is near. */
export function nearestPoint(
  count: number,
  at: (index: number) => Point,
  [x, y]: Point,
): number | undefined {
  let [best, least]: [number | undefined, number] = [undefined, MAX_DISTANCE ** 2];
  for (let index = 0; index < count; index += 1) {
    const [px, py] = at(index);
    const square = (px - x) ** 2 + (py - y) ** 2;
    if (square < least) [best, least] = [index, square];
  }
  return best;
}

/**
 * Whether a point lies inside a polygon: a ray from it crosses the outline an odd number of times.
 */
export function isInside([x, y]: Point, line: readonly Point[]): boolean {
  let inside = false;
  line.forEach(([ax, ay], i) => {
    const [bx, by] = line[(i + 1) % line.length]!;
    const crosses = ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax;
    if (crosses) inside = !inside;
  });
  return inside;
}
