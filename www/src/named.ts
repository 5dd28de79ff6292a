/** The checkpoint that the address names is opened when the page is. */
import { setting } from "./address.js";
import { addressOf, type Desk } from "./desk.js";
import { el } from "./element.js";
import { shownWork } from "./work.js";

/** Opens `checkpoint=random` at once, and `checkpoint=<address>` with its progress shown. */
export async function openNamed(desk: Desk): Promise<void> {
  const name = setting("checkpoint", "trained");
  if (name === "trained") return;
  if (name === "random") return desk.openCheckpoint(name, addressOf(desk.random), {});
  const place = el("div", { class: "named" });
  document.getElementById("panels")!.after(place);
  const url = new URL(name, document.baseURI);
  await shownWork(place, `Opening ${url.pathname}`, (call) => desk.openCheckpoint(name, url, call));
}
