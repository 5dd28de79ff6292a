/** Using a probe: it predicts the class of each picture that is added. */
import { pictureInput } from "../picture-input.js";
import type { AppState } from "../app-state.js";
import { el, percent } from "../element.js";
import { loadOffer } from "../load-offer.js";
import { withProgress } from "../progress.js";

/** Latest predictions that are shown. */
const MAX_SHOWN = 12;

/** The input for pictures, and the predictions below it. */
export function predictView(app: AppState, closed: AbortSignal): HTMLElement {
  const predictions = el("ul", { class: "predictions", "aria-live": "polite" });
  const status = el("div", {});
  const need = el("p", { class: "aside" });
  const refresh = (): void => {
    need.textContent = app.probe
      ? `The classes of the probe: ${app.probe.labels.join(", ")}.`
      : "Train or open a probe first.";
  };
  const input = pictureInput(
    (files) => {
      void withProgress(status, "Classifying pictures", async (call) => {
        if (!app.probe) return refresh();
        if (!app.encoder) await app.load(call);
        const { probe, encoder } = app;
        if (!probe || !encoder) return refresh();
        const answers = probe.predict(await encoder.embed(files, call), { topK: 3 });
        const lines = answers.map((best, index) => predictionItem(files[index]!, best));
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
    "Pictures load the network when they come; you can load it before.",
    closed,
  );
  return el("div", {}, need, offer, input, status, predictions);
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
