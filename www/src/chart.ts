/** Charts whose curves grow during training. */
import type uPlot from "uplot";
import { el } from "./element.js";
import { yieldToBrowser } from "./debounce.js";

export interface Curve {
  readonly name: string;
  /** A CSS colour. */
  readonly colour: string;
  /** Dashes, so that curves differ not only in colour. */
  readonly dash?: number[];
}

export interface Chart {
  readonly element: HTMLElement;
  /** Adds a point to every curve; `null` for none. */
  add(x: number, values: readonly (number | null)[]): void;
  clear(): void;
  /** Resolves when the empty chart is drawn; the library has to be loaded first. */
  ready(): Promise<unknown>;
}

const HEIGHT = 190;

/** Charts are created one after the other, so that the browser can handle events between two. */
let lastCreation: Promise<unknown> = Promise.resolve();

/** An empty chart. The library is loaded with the first point or by `ready`. */
export function chart(title: string, x: string, curves: readonly Curve[], share = false): Chart {
  const container = el("div", {
    class: "plot",
    role: "img",
    "aria-label": `${title}: no data yet`,
  });
  const element = el("figure", { class: "chart" }, el("figcaption", {}, title), container);
  let data: (number | null)[][] = [[], ...curves.map(() => [])];
  let plot: Promise<uPlot> | undefined;
  let drawing = false;
  const ready = (): Promise<uPlot> => {
    plot ??= lastCreation
      .then(yieldToBrowser)
      .then(() => createPlot(container, { x, curves, share }));
    lastCreation = plot.catch(() => {});
    return plot;
  };
  const draw = async (): Promise<void> => {
    drawing = true;
    const plot = await ready();
    // At most one drawing per frame, however fast points arrive.
    requestAnimationFrame(() => {
      drawing = false;
      plot.setData(data as uPlot.AlignedData);
      container.ariaLabel = `${title}: ${lastOf(curves, data)}`;
    });
  };
  const add = (at: number, values: readonly (number | null)[]): void => {
    [at, ...values].forEach((value, i) => data[i]!.push(value));
    if (!drawing) void draw();
  };
  const clear = (): void => {
    data = data.map(() => []);
    if (plot) void draw();
  };
  return { element, add, clear, ready };
}

function lastOf(curves: readonly Curve[], data: readonly (number | null)[][]): string {
  return curves
    .map(
      ({ name }, i) =>
        `${name} ${data[i + 1]!.findLast((value) => value !== null)?.toFixed(3) ?? "none"}`,
    )
    .join(", ");
}

async function createPlot(
  container: HTMLElement,
  { x, curves, share }: { x: string; curves: readonly Curve[]; share: boolean },
): Promise<uPlot> {
  const [{ default: Plot }] = await Promise.all([
    import("uplot"),
    import("uplot/dist/uPlot.min.css"),
  ]);
  const ink = () => getComputedStyle(document.body).getPropertyValue("--quiet");
  const line = () => getComputedStyle(document.body).getPropertyValue("--line");
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const percent = (_: uPlot, ticks: number[]) => ticks.map((tick) => `${Math.round(100 * tick)} %`);
  const options: uPlot.Options = {
    width: container.clientWidth || 320,
    height: HEIGHT,
    scales: { x: { time: false }, ...(share && { y: { range: [0, 1] } }) },
    axes: [
      { ...axis, label: x, labelSize: 18, labelFont: "12px system-ui" },
      { ...axis, ...(share && { values: percent }) },
    ],
    cursor: { drag: { x: false, y: false } },
    series: [
      { label: x },
      ...curves.map(({ name, colour, dash }) => ({
        label: name,
        stroke: colour,
        width: 2,
        points: { show: false },
        spanGaps: true,
        ...(dash && { dash }),
      })),
    ],
  };
  // The axes are drawn now, so that the first point takes little time.
  const nothing = [[0, 1], ...curves.map(() => [null, null])] as uPlot.AlignedData;
  const plot = new Plot(options, nothing, container);
  const fit = (): void => {
    const width = container.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  };
  new ResizeObserver(fit).observe(container);
  return plot;
}
