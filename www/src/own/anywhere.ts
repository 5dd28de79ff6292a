/** Pictures that are dropped or pasted where no panel takes them: they open in the panel Neighbours. */
import { visit } from "../address.js";
import type { AppState } from "../app-state.js";
import { filesFromTransfer } from "../user-pictures.js";

/** Listens behind the panels: what one of them takes does not come here. */
export function acceptPictures(app: AppState): void {
  const take = async (transfer: DataTransfer | null): Promise<void> => {
    const files = transfer ? await filesFromTransfer(transfer) : [];
    if (files.length === 0) return;
    app.dropPictures(files);
    visit("neighbours");
  };
  addEventListener("drop", (event) => {
    event.preventDefault();
    void take(event.dataTransfer);
  });
  addEventListener("paste", (event) => void take(event.clipboardData));
}
