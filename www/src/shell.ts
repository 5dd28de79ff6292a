/** The frame: which panel is shown, as the address says. */
import { addressOf, onAddress, panelInAddress } from "./address.js";
import { said } from "./announce.js";
import type { Desk } from "./desk.js";
import { el } from "./element.js";
import { trouble } from "./trouble.js";

/** Fills an element until `left` says that another panel is wanted. */
export type Panel = (root: HTMLElement, desk: Desk, left: AbortSignal) => void;

/** Panels in the order of their links; each comes when it is first wanted. */
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
  { name: "map", title: "Map", open: async () => (await import("./panels/map.js")).map },
  {
    name: "checkpoint",
    title: "Checkpoint",
    open: async () => (await import("./panels/checkpoint.js")).checkpoint,
  },
];

/** Shows the panel of the address, and the next one whenever it changes. */
export function panels(nav: HTMLElement, main: HTMLElement, desk: Desk): void {
  const links = PANELS.map(({ name, title }) =>
    el("a", { href: `#${name}`, "data-panel": name }, title),
  );
  nav.replaceChildren(...links);
  let leave = new AbortController();
  let shown = "";
  const show = async (): Promise<void> => {
    const panel = PANELS.find(({ name }) => name === panelInAddress()) ?? PANELS[0]!;
    for (const link of links) {
      const own = link.dataset["panel"] === panel.name;
      link.href = addressOf(link.dataset["panel"]!);
      if (own) link.ariaCurrent = "page";
      else link.ariaCurrent = null;
    }
    const first = shown === "";
    leave.abort();
    leave = new AbortController();
    shown = panel.name;
    await fill(main, panel, { desk, left: leave.signal });
    if (!first) said(panel.title);
  };
  // The links carry the settings as they are when one follows them.
  nav.addEventListener("pointerdown", () => refresh(links));
  nav.addEventListener("focusin", () => refresh(links));
  onAddress(() => void show());
  void show();
}

function refresh(links: readonly HTMLAnchorElement[]): void {
  for (const link of links) link.href = addressOf(link.dataset["panel"]!);
}

async function fill(
  main: HTMLElement,
  { name, title, open }: (typeof PANELS)[number],
  { desk, left }: { desk: Desk; left: AbortSignal },
): Promise<void> {
  const root = el("section", { class: `panel ${name}`, "aria-label": title });
  main.setAttribute("aria-busy", "true");
  try {
    const panel = await open();
    if (left.aborted) return;
    main.replaceChildren(root);
    panel(root, desk, left);
  } catch (error) {
    main.replaceChildren(trouble(error, () => location.reload()));
  }
  main.removeAttribute("aria-busy");
}
