/** Where points of the map are on the screen, and which of them lie where. */

export type Point = [number, number];

/** How near a pointer must be, in pixels. */
const NEAR = 14;
const MARGIN = 0.08;

/** Points moved and scaled into the square from -1 to 1, without changing their proportions. */
export function squared(points: Float32Array): Float32Array<ArrayBuffer> {
  const ends = [0, 1].map((axis) => {
    const own = points.filter((_, i) => i % 2 === axis);
    return [
      own.reduce((a, b) => Math.min(a, b), Infinity),
      own.reduce((a, b) => Math.max(a, b), -Infinity),
    ] as const;
  });
  const half = ends.reduce((most, [low, high]) => Math.max(most, (high - low) / 2), 1e-9);
  return points.map((x, i) => {
    const [low, high] = ends[i % 2]!;
    return (x - (low + high) / 2) / half;
  }) as Float32Array<ArrayBuffer>;
}

/** Where a point of the square is on the screen. */
export function screen(
  [x, y]: Point,
  view: { zoom: number; x: number; y: number },
  canvas: HTMLCanvasElement,
): Point {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = (Math.min(width, height) / 2) * (1 - MARGIN);
  const wide = Math.min(width / height, 1.6);
  return [
    width / 2 + view.x + x * scale * wide * view.zoom,
    height / 2 + view.y - y * scale * view.zoom,
  ];
}

/** The point nearest to a place of the screen, if one is near. */
export function nearestOf(
  count: number,
  at: (index: number) => Point,
  [x, y]: Point,
): number | undefined {
  let [best, least]: [number | undefined, number] = [undefined, NEAR ** 2];
  for (let index = 0; index < count; index += 1) {
    const [px, py] = at(index);
    const square = (px - x) ** 2 + (py - y) ** 2;
    if (square < least) [best, least] = [index, square];
  }
  return best;
}

/** Whether a point lies inside a closed line: a ray from it crosses the line an odd number of times. */
export function within([x, y]: Point, line: readonly Point[]): boolean {
  let inside = false;
  line.forEach(([ax, ay], i) => {
    const [bx, by] = line[(i + 1) % line.length]!;
    const crosses = ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax;
    if (crosses) inside = !inside;
  });
  return inside;
}
