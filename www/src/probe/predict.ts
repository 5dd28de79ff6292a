/** Using a probe: pictures that are brought, dropped or taken are told apart at once. */
import { pictureInput } from "../picture-input.js";
import type { AppState } from "../app-state.js";
import { el, percent } from "../element.js";
import { loadOffer } from "../load-offer.js";
import { withProgress } from "../progress.js";

/** Pictures that were told apart last and still are shown. */
const MAX_SHOWN = 12;

/** The place for it. */
export function predictView(app: AppState, closed: AbortSignal): HTMLElement {
  const predictions = el("ul", { class: "predictions", "aria-live": "polite" });
  const work = el("div", {});
  const need = el("p", { class: "aside" });
  const refresh = (): void => {
    need.textContent = app.probe
      ? `The probe knows ${app.probe.labels.join(", ")}.`
      : "Train or open a probe first.";
  };
  const input = pictureInput(
    (files) => {
      void withProgress(work, "Telling pictures apart", async (call) => {
        const { probe, encoder } = app;
        if (!probe || !encoder) return refresh();
        const found = probe.predict(await encoder.embed(files, call), { topK: 3 });
        const lines = found.map((best, index) => predictionItem(files[index]!, best));
        predictions.replaceChildren(...[...lines, ...predictions.children].slice(0, MAX_SHOWN));
      });
    },
    closed,
    "here",
  );
  app.on("probe", refresh, closed);
  app.on("network", refresh, closed);
  refresh();
  const offer = loadOffer(
    app,
    "To look at pictures of your own, the network itself is needed.",
    closed,
  );
  return el("div", {}, need, offer, input, work, predictions);
}

function predictionItem(
  file: File,
  best: readonly { label: string; probability: number }[],
): HTMLElement {
  const url = URL.createObjectURL(file);
  const image = el("img", {
    src: url,
    alt: file.name,
    class: "picture",
    onload: () => URL.revokeObjectURL(url),
  });
  const lines = best.map(({ label, probability }) => {
    const bar = el("span", { class: "share", "aria-hidden": "true" });
    bar.style.setProperty("--share", String(probability));
    return el(
      "li",
      {},
      el("span", {}, label),
      bar,
      el("span", { class: "number" }, percent(probability)),
    );
  });
  return el("li", {}, image, el("ul", { class: "bars" }, ...lines));
}
