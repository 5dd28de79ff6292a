/** The panels: shows the one that the address names. */
import { addressOf, onAddressChange, panelSetting } from "./address.js";
import { announce } from "./announce.js";
import type { AppState } from "./app-state.js";
import { el } from "./element.js";
import { errorBox } from "./error-box.js";

/** Fills `root`; `closed` aborts when another panel opens. */
export type Panel = (root: HTMLElement, app: AppState, closed: AbortSignal) => void;

/** Panels in the order of their links; each is loaded when it is first opened. */
const PANELS: readonly {
  readonly name: string;
  readonly title: string;
  readonly open: () => Promise<Panel>;
}[] = [
  {
    name: "neighbours",
    title: "Neighbours",
    open: async () => (await import("./panels/neighbours.js")).neighbours,
  },
  {
    name: "augmentations",
    title: "Augmentations",
    open: async () => (await import("./panels/augmentations.js")).augmentations,
  },
  { name: "learn", title: "Learn", open: async () => (await import("./panels/learn.js")).learn },
  { name: "probe", title: "Probe", open: async () => (await import("./panels/probe.js")).probe },
  { name: "label", title: "Label", open: async () => (await import("./panels/label.js")).label },
  { name: "clean", title: "Clean up", open: async () => (await import("./panels/clean.js")).clean },
  { name: "map", title: "Map", open: async () => (await import("./panels/map.js")).map },
  {
    name: "checkpoint",
    title: "Checkpoint",
    open: async () => (await import("./panels/checkpoint.js")).checkpoint,
  },
];

const NAMES = PANELS.map(({ name }) => name);

const TITLE = document.title;

/** Shows the panel of the address, and follows its changes. */
export function showPanels(nav: HTMLElement, main: HTMLElement, app: AppState): void {
  const links = PANELS.map(({ name, title }) =>
    el("a", { href: `#${name}`, "data-panel": name }, title),
  );
  nav.replaceChildren(...links);
  let closing = new AbortController();
  let shown = "";
  const show = async (): Promise<void> => {
    const named = panelSetting(NAMES, NAMES[0]!);
    const panel = PANELS.find(({ name }) => name === named)!;
    for (const link of links) {
      const isOpen = link.dataset["panel"] === panel.name;
      link.href = addressOf(link.dataset["panel"]!);
      if (isOpen) link.ariaCurrent = "page";
      else link.ariaCurrent = null;
      // On a phone not all links fit.
      if (isOpen) nav.scrollLeft = link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
    }
    const first = shown === "";
    document.body.classList.toggle("moved-on", !first);
    closing.abort();
    closing = new AbortController();
    shown = panel.name;
    document.title = panel === PANELS[0] ? TITLE : `${panel.title} · ${TITLE}`;
    await fill(main, panel, { app, closed: closing.signal });
    if (first) return;
    scrollToTop();
    announce(panel.title);
  };
  // Links contain the settings at the time they are followed.
  nav.addEventListener("pointerdown", () => refreshLinks(links));
  nav.addEventListener("focusin", () => refreshLinks(links));
  onAddressChange(() => void show());
  void show();
}

/** A panel begins at its top, below the tour if there is one, however far down the last one was. */
function scrollToTop(): void {
  const top = document.getElementById("tour")!;
  if (top.getBoundingClientRect().top < 0) top.scrollIntoView();
}

function refreshLinks(links: readonly HTMLAnchorElement[]): void {
  for (const link of links) link.href = addressOf(link.dataset["panel"]!);
}

async function fill(
  main: HTMLElement,
  { name, title, open }: (typeof PANELS)[number],
  { app, closed }: { app: AppState; closed: AbortSignal },
): Promise<void> {
  const root = el("section", { class: `panel ${name}`, "aria-label": title });
  main.setAttribute("aria-busy", "true");
  try {
    const panel = await open();
    if (closed.aborted) return;
    main.replaceChildren(root);
    panel(root, app, closed);
  } catch (error) {
    main.replaceChildren(errorBox(error, () => location.reload()));
  }
  main.removeAttribute("aria-busy");
}
