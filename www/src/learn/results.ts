/**
 * What a run gives: a checkpoint, a network for the other panels, a file for a terminal, a link, a place
 * among the kept runs.
 */
import { encodeRecord } from "kith-web";
import { button, el } from "../element.js";
import { download } from "../files.js";
import { withProgress } from "../progress.js";
import type { Point } from "./run.js";
import type { Session } from "./session.js";

interface Results {
  /** Where it is said what happens. */
  readonly status: HTMLElement;
  readonly points: readonly Point[];
  /** Pauses the run. */
  readonly paused: () => Promise<void>;
  readonly onKept: () => void;
}

/** A button for each. */
export function results(session: Session, { status, ...own }: Results): HTMLElement[] {
  const { run, app, pictures } = session;
  const { config } = session.saved;
  const file = (): void =>
    void withProgress(status, "Writing the checkpoint", async () =>
      download("trained-here.safetensors", await run.checkpoint({ half: true })),
    );
  const use = (): void =>
    void withProgress(status, "Computing embeddings of the gallery", async (call) => {
      await app.openEncoder("trained here", await run.checkpoint({ half: true }), call);
      status.replaceChildren(el("p", {}, "The other panels use this network now."));
    });
  const keep = async (): Promise<void> => {
    await own.paused();
    const { keep: keepRun } = await import("./kept/keep-button.js");
    const keeping = { app, run, pictures, config, points: own.points };
    await keepRun(keeping, { status, onKept: own.onKept });
  };
  const link = (): void =>
    void withProgress(status, "Making the link", async () => {
      const code = await encodeRecord(await run.record());
      status.replaceChildren(await linkShown(`${location.href.split("#")[0]}#learn?run=${code}`));
    });
  const terminal = (): void =>
    void withProgress(status, "Writing the run", async () => {
      await own.paused();
      const { takeToTerminal } = await import("./run-file.js");
      status.replaceChildren(await takeToTerminal(run));
    });
  const buttons = [
    button("Keep it to compare", () => void keep()),
    button("Save the checkpoint", file),
    button("Use it in other panels", use),
    button("Take it to a terminal", terminal),
  ];
  // Whoever opens a link must have the same pictures, and the same weights to begin with.
  const shared = pictures[0]?.file === undefined && config.from === undefined;
  return shared ? [...buttons, button("Copy a link to this run", link)] : buttons;
}

/** A link in the clipboard, or to be copied by hand. */
async function linkShown(link: string): Promise<HTMLElement> {
  const copied = await navigator.clipboard.writeText(link).then(
    () => "The link is copied.",
    () => "Copy the link below.",
  );
  const words = `${copied} Whoever opens it, here or with “kith replay”, runs the same run again and sees how far it agrees.`;
  return el("div", {}, el("p", {}, words), el("pre", { tabindex: 0, class: "link" }, link));
}
