/** Opens the checkpoint that the address names. */
import { setting } from "./address.js";
import type { AppState } from "./app-state.js";
import { el } from "./element.js";
import { withProgress } from "./progress.js";

/** Opens a network of the page by its name, as `checkpoint=random`; else a checkpoint at an address. */
export async function openAddressCheckpoint(app: AppState): Promise<void> {
  const name = setting("checkpoint", "trained");
  if (name === "trained") return;
  if (name === "random") return app.openBuiltIn(name);
  const container = el("div", { class: "address-checkpoint" });
  document.getElementById("panels")!.after(container);
  if (ENCODERS.some((encoder) => encoder.name === name)) {
    return withProgress(container, `Opening ${name}`, (call) => app.openBuiltIn(name, call));
  }
  const url = new URL(name, document.baseURI);
  await withProgress(container, `Opening ${url.pathname}`, (call) =>
    app.openEncoder(name, url, call),
  );
}
