/** Bringing one's own pictures: drop, paste, files, a folder, the camera. */
import { button, el } from "./element.js";
import { camera } from "./camera.js";
import { filesOf } from "./own.js";

/**
 * Ways in for pictures; each hands over files, and `ended` ends what listens. `here`: what is dropped
 * elsewhere on the page is not for this one.
 */
export function bringing(
  brought: (files: File[]) => void,
  ended: AbortSignal,
  where: "everywhere" | "here" = "everywhere",
): HTMLElement {
  const files = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true });
  const folder = el("input", { type: "file", webkitdirectory: true, hidden: true });
  for (const input of [files, folder]) {
    input.addEventListener("change", () => {
      brought([...(input.files ?? [])]);
      input.value = "";
    });
  }
  const lens = el("div", { class: "lens" });
  const look = button("Camera", () => camera(lens, (file) => brought([file]), ended));
  const own = el(
    "div",
    { class: "bringing" },
    el("p", { class: "aside" }, `${WHERE[where]} They stay in this tab.`),
    el(
      "p",
      { class: "row" },
      button("Choose pictures", () => files.click()),
      button("Choose a folder", () => folder.click()),
      navigator.mediaDevices && look,
    ),
    files,
    folder,
    lens,
  );
  listen(where === "here" ? own : document, brought, ended);
  return own;
}

const WHERE = {
  everywhere: "Drop or paste pictures anywhere on this page.",
  here: "Drop pictures here.",
};

function listen(
  target: HTMLElement | Document,
  brought: (files: File[]) => void,
  signal: AbortSignal,
): void {
  const take = async (transfer: DataTransfer | null): Promise<void> => {
    const found = transfer ? await filesOf(transfer) : [];
    if (found.length > 0) brought(found);
  };
  const over = (on: boolean) => document.body.classList.toggle("dropping", on);
  const on = (name: string, heard: (event: DragEvent) => void): void =>
    target.addEventListener(name, heard as EventListener, { signal });
  if (target === document) {
    document.addEventListener("paste", (event) => void take(event.clipboardData), { signal });
  }
  on("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  on("dragleave", () => over(false));
  on("drop", (event) => {
    event.preventDefault();
    // Whoever listens further up is not meant.
    event.stopPropagation();
    over(false);
    void take(event.dataTransfer);
  });
}
