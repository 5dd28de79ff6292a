/** Opens the checkpoint that the address names. */
import { setting } from "./address.js";
import { checkpointUrl, type AppState } from "./app-state.js";
import { el } from "./element.js";
import { withProgress } from "./progress.js";

/** Opens `checkpoint=random` at once; for `checkpoint=<address>` it shows the progress. */
export async function openAddressCheckpoint(app: AppState): Promise<void> {
  const name = setting("checkpoint", "trained");
  if (name === "trained") return;
  if (name === "random") return app.openCheckpoint(name, checkpointUrl(app.random), {});
  const container = el("div", { class: "address-checkpoint" });
  document.getElementById("panels")!.after(container);
  const url = new URL(name, document.baseURI);
  await withProgress(container, `Opening ${url.pathname}`, (call) =>
    app.openCheckpoint(name, url, call),
  );
}
