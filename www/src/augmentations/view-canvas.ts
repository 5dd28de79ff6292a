/** Shows a view. */
import { el } from "../element.js";

/** A canvas with the view's pixels. */
export function viewCanvas(view: ImageData, name: string): HTMLCanvasElement {
  const canvas = el("canvas", {
    width: view.width,
    height: view.height,
    role: "img",
    "aria-label": name,
    class: "picture pixelated",
  });
  canvas.getContext("2d")!.putImageData(view, 0, 0);
  return canvas;
}
