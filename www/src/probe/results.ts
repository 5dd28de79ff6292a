/** What labels say of the other pictures: figures, bars, and the matrix of mistakes. */
import type { Desk } from "../desk.js";
import { el, percent } from "../element.js";
import { grid } from "../grid.js";
import type { Picture } from "../picture.js";
import type { Sight } from "../sight.js";
import type { Material } from "./budget.js";
import { enough } from "./classes.js";
import { bars, confusion } from "./confusion.js";
import { tally, type Tally } from "./tally.js";
import { vote } from "./vote.js";

interface Voting {
  readonly desk: Desk;
  readonly material: Material;
  readonly signal: AbortSignal;
}

/** What the nearest labelled pictures say, through this network and through one that learnt nothing. */
export async function votes(
  results: HTMLElement,
  numbers: HTMLElement,
  task: Voting,
): Promise<void> {
  const { desk, signal } = task;
  const { labelled, test } = testable(task.material);
  if (!enough(labelled.map(({ label }) => label!)) || test.length === 0) {
    numbers.replaceChildren();
    results.replaceChildren(
      el("p", { class: "aside" }, "No results yet: there are too few labels."),
    );
    return;
  }
  const through = async (sight: Sight): Promise<Tally> =>
    tally(
      test.map(({ label }) => label!),
      await vote(sight, labelled, test, signal),
    );
  const found = await through(desk.sight);
  if (signal.aborted) return;
  const asked = `${labelled.length} labels, ${test.length} pictures told apart`;
  const nearest = figure("Vote of the nearest", percent(found.accuracy), asked);
  const largest = figure("Always the largest", percent(largestShare(test)));
  numbers.replaceChildren(nearest, largest);
  drawResults(results, "By vote of the nearest labelled pictures", found, test);
  if (desk.sight === desk.random || !test.every((picture) => desk.random.knows(picture))) return;
  const before = await through(desk.random);
  if (signal.aborted) return;
  nearest.after(figure("The same vote, a network that learnt nothing", percent(before.accuracy)));
}

/** Without pictures kept aside, every second one is. */
function testable({ labelled, test }: Material): Material {
  if (test.length > 0) return { labelled, test };
  return {
    labelled: labelled.filter((_, place) => place % 2 === 0),
    test: labelled.filter((_, place) => place % 2 === 1),
  };
}

function largestShare(pictures: readonly Picture[]): number {
  const counts = new Map<string, number>();
  for (const { label } of pictures) counts.set(label!, (counts.get(label!) ?? 0) + 1);
  return Math.max(...counts.values()) / pictures.length;
}

export function figure(name: string, value: string, note?: string): HTMLElement {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value, note && el("small", {}, note)));
}

export function drawResults(
  place: HTMLElement,
  title: string,
  found: Tally,
  pictures: readonly Picture[],
): void {
  const opened = el("div", { class: "opened" });
  const open = (words: string, places: readonly number[]): void => {
    const cells = places.map((each) => ({ picture: pictures[each]! }));
    opened.replaceChildren(
      el("h3", { tabindex: -1 }, words),
      grid(words, cells, () => {}),
    );
    opened.querySelector("h3")!.focus();
  };
  place.replaceChildren(
    el("h2", {}, title),
    el("div", { class: "told" }, bars(found), confusion(found, open)),
    opened,
  );
}
