/** What a run's neighbours are worth while it trains: a share, and the neighbours of six pictures. */
import type { Pretraining } from "kith-web";
import type { AppState } from "../app-state.js";
import { el, percent } from "../element.js";
import type { Picture } from "../picture.js";
import { drawFigures } from "./curves.js";
import { neighbourTable, searched } from "./neighbour-table.js";
import { embeddingsBy, heldOut, scoresOf, type Rows, type Share } from "./scores.js";

/** Looking costs time that training does not get: so many times as long, it trains before the next look. */
const REST = 8;

export interface LiveNeighbours {
  /** How often the other vendor's drawing is nearest; empty for pictures that have no other vendor. */
  readonly share: HTMLElement;
  readonly table: HTMLElement;
  /** That share at step 0; undefined where it is not known. */
  readonly atStart: () => number | undefined;
  /** Looks the neighbours up by the encoder as it is now, unless it looked a short while ago. */
  lookIfDue(run: Pretraining): Promise<void>;
  /** Looks them up now; resolves once everything is shown. */
  look(run: Pretraining): Promise<void>;
}

/** `atStart`: the share at step 0 of a run that is resumed, if it is known. */
export function liveNeighbours(
  app: AppState,
  pictures: readonly Picture[],
  { step, atStart }: { readonly step: number; readonly atStart?: number | undefined },
): LiveNeighbours {
  const pool = searched(pictures);
  const asked = pictures[0]?.file ? [] : heldOut(app);
  const share = el("dl", { class: "live-share" });
  const table = neighbourTable(
    pool,
    step === 0 ? "Nearest at the start" : `Nearest at step ${step}`,
  );
  let start = atStart;
  let nextAt = 0;
  let showing = Promise.resolve();
  const show = async (rows: Rows, at: number): Promise<void> => {
    if (asked.length > 0) {
      const { otherVendor } = await scoresOf(pool, rows, asked);
      if (at === 0) start = otherVendor!.share;
      drawFigures(share, [figure(otherVendor!, { start, at, among: pool.length })]);
    }
    await table.update(rows);
  };
  const embedded = async (run: Pretraining): Promise<void> => {
    const began = performance.now();
    const rows = await embeddingsBy(run, pool);
    // Neighbours are looked up on this thread, while the worker takes the next steps.
    const { step } = run;
    showing = showing.then(() => show(rows, step));
    const now = performance.now();
    nextAt = now + REST * (now - began);
  };
  return {
    share,
    table: table.element,
    atStart: () => start,
    lookIfDue: async (run) => {
      if (performance.now() >= nextAt) await embedded(run);
    },
    look: async (run) => {
      await embedded(run);
      await showing;
    },
  };
}

interface Measured {
  readonly start: number | undefined;
  readonly at: number;
  readonly among: number;
}

/** The share at the start and now. */
function figure({ share, of }: Share, { start, at, among }: Measured) {
  const count = (number: number): string => number.toLocaleString("en");
  const before = at > 0 && start !== undefined ? start : undefined;
  const from = before === undefined ? "" : `${percent(before)} → `;
  const when = `${before === undefined ? "" : "at the start and "}at step ${count(at)}`;
  const where = `of ${count(of)} emoji, among all ${count(among)} drawings, ${when}`;
  return ["The other vendor's drawing is nearest", `${from}${percent(share)}`, where] as const;
}
