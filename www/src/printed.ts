/** Says on paper which panel was printed, and where it is. */
import { panelInAddress } from "./address.js";

/** Writes the line before a page is printed, and marks charts that were drawn on a dark ground. */
export function sayWhatIsPrinted(line: HTMLElement): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  addEventListener("beforeprint", () => {
    document.body.classList.toggle("drawn-dark", dark.matches);
    const link = document.querySelector<HTMLElement>("#panels [aria-current]");
    const title = link?.textContent ?? panelInAddress();
    const day = new Date().toLocaleDateString(undefined, { dateStyle: "long" });
    line.textContent = `${title} · ${location.href} · ${day}`;
  });
}
