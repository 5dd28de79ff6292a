/** Says on paper which panel was printed, and where it is. */
import { panelInAddress } from "./address.js";

/** Writes the line before a page is printed. */
export function sayWhatIsPrinted(line: HTMLElement): void {
  addEventListener("beforeprint", () => {
    const link = document.querySelector<HTMLElement>("#panels [aria-current]");
    const title = link?.textContent ?? panelInAddress();
    const day = new Date().toLocaleDateString(undefined, { dateStyle: "long" });
    line.textContent = `${title} · ${location.href} · ${day}`;
  });
}
