/** Opens the page. */
import { giveVoice } from "./announce.js";
import { Desk } from "./desk.js";
import { deviceLine } from "./deviceline.js";
import { offline } from "./offline/offline.js";
import { openNamed } from "./named.js";
import { panels } from "./shell.js";
import { trouble } from "./trouble.js";

const place = (id: string): HTMLElement => document.getElementById(id)!;

/** The address names panels, not places: a link to a place moves the focus and nothing else. */
function skipping(): void {
  document.querySelector(".skip")!.addEventListener("click", (event) => {
    event.preventDefault();
    place("panel").focus();
  });
}

async function open(): Promise<void> {
  giveVoice();
  skipping();
  try {
    const desk = await Desk.open();
    panels(place("panels"), place("panel"), desk);
    void deviceLine(place("device"), desk);
    void openNamed(desk);
  } catch (error) {
    place("panel").replaceChildren(trouble(error, () => location.reload()));
  }
  offline(place("offline"));
}

void open();
