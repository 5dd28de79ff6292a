/** After a toy run: how right the labels and the guesses were, which the page knows of the gallery. */
import { button, el, percent } from "../element.js";
import { statistic } from "../probe/results.js";
import type { Labelling } from "./labelling.js";
import type { Others } from "./others.js";

export function howRight(labelling: Labelling, others: Others): HTMLElement {
  const numbers = el("dl", { class: "numbers" });
  const truth = labelling.source.truth!;
  const share = async (): Promise<void> => {
    const given = labelling.pictures.filter(({ label }) => label !== null);
    const guessed = [...(await others.labels())];
    const right = given.filter((picture) => picture.label === truth(picture)).length;
    const rightGuesses = guessed.filter(([picture, { label }]) => label === truth(picture)).length;
    numbers.replaceChildren(
      statistic("Your labels", percent(right / given.length), `${right} of ${given.length} right`),
      statistic(
        "The guesses for all others",
        percent(rightGuesses / guessed.length),
        `${rightGuesses} of ${guessed.length} right`,
      ),
    );
  };
  const ask = button("How right was I?", () => void share());
  const draw = (): void => {
    ask.disabled = labelling.pictures.every(({ label }) => label === null);
  };
  labelling.on("labels", draw);
  draw();
  const words = el("span", { class: "aside" }, "Of the emoji, this page knows the true classes.");
  return el(
    "div",
    {},
    el("p", { class: "row" }, ask, words),
    el("div", { role: "status" }, numbers),
  );
}
