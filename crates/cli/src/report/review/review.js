"use strict";
// Accepting and rejecting findings, by mouse and keyboard, and saving the list.

const cards = [...document.querySelectorAll(".finding")];
const counts = document.querySelector("#counts");
let saved = true;

function choose(card, choice) {
  card.dataset.choice = choice;
  for (const button of card.querySelectorAll("[data-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
  }
  saved = false;
  count();
}

function count() {
  const of = (choice) => cards.filter((card) => card.dataset.choice === choice).length;
  const [accepted, rejected] = [of("accepted"), of("rejected")];
  const open = cards.length - accepted - rejected;
  counts.textContent = `${accepted} accepted, ${rejected} rejected, ${open} undecided`;
}

function current() {
  return document.activeElement?.closest(".finding");
}

function step(by) {
  const here = cards.indexOf(current());
  const next = cards[here < 0 ? 0 : here + by];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

function save() {
  const entry = ({ dataset: { file, finding, suggested } }) => ({ file, finding, suggested });
  const files = cards.filter((card) => card.dataset.choice === "accepted").map(entry);
  const list = { folder: document.body.dataset.folder ?? null, files };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${JSON.stringify(list, null, 1)}\n`]));
  link.download = "accepted.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  saved = true;
}

function decide(choice) {
  const card = current();
  if (!card) return step(1);
  choose(card, choice);
  step(1);
}

const keys = {
  a: () => decide("accepted"),
  r: () => decide("rejected"),
  u: () => decide(""),
  s: save,
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  j: () => step(1),
  k: () => step(-1),
};

document.addEventListener("keydown", (event) => {
  const act = keys[event.key] ?? keys[event.key.toLowerCase()];
  if (!act || event.ctrlKey || event.metaKey || event.altKey || cards.length === 0) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  if (button.id === "save") return save();
  if (button.dataset.all) {
    const own = button.closest(".kind").querySelectorAll(".finding");
    return own.forEach((card) => choose(card, button.dataset.all));
  }
  const card = button.closest(".finding");
  const again = card.dataset.choice === button.dataset.choice;
  choose(card, again ? "" : button.dataset.choice);
});

addEventListener("beforeunload", (event) => {
  if (!saved) event.preventDefault();
});

if (counts) count();
