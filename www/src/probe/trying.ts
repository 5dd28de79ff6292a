/** Using a probe: pictures that are brought, dropped or taken are told apart at once. */
import { bringing } from "../bring.js";
import type { Desk } from "../desk.js";
import { el, percent } from "../element.js";
import { loading } from "../loading.js";
import { shownWork } from "../work.js";

/** Pictures that were told apart last and still are shown. */
const MOST_SHOWN = 12;

/** The place for it. */
export function trying(desk: Desk, left: AbortSignal): HTMLElement {
  const told = el("ul", { class: "told-apart", "aria-live": "polite" });
  const work = el("div", {});
  const need = el("p", { class: "aside" });
  const renew = (): void => {
    need.textContent = desk.probe
      ? `The probe knows ${desk.probe.labels.join(", ")}.`
      : "Train or open a probe first.";
  };
  const bring = bringing(
    (files) => {
      void shownWork(work, "Telling pictures apart", async (call) => {
        const { probe, encoder } = desk;
        if (!probe || !encoder) return renew();
        const found = probe.predict(await encoder.embed(files, call), { topK: 3 });
        const lines = found.map((best, place) => verdict(files[place]!, best));
        told.replaceChildren(...[...lines, ...told.children].slice(0, MOST_SHOWN));
      });
    },
    left,
    "here",
  );
  desk.on("probe", renew, left);
  desk.on("sight", renew, left);
  renew();
  const offer = loading(
    desk,
    "To look at pictures of your own, the network itself is needed.",
    left,
  );
  return el("div", {}, need, offer, bring, work, told);
}

function verdict(file: File, best: readonly { label: string; probability: number }[]): HTMLElement {
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
