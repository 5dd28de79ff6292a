/** Input for the user's pictures: drop, paste, files, a folder, the camera. */
import { button, el } from "./element.js";
import { camera } from "./camera.js";
import { filesFromTransfer } from "./user-pictures.js";

/**
 * The input; `onFiles` gets the files, and `closed` removes the listeners. With `here`, it accepts only
 * what is dropped on itself, with `everywhere` what is dropped or pasted anywhere on the page.
 */
export function pictureInput(
  onFiles: (files: File[]) => void,
  closed: AbortSignal,
  where: "everywhere" | "here" = "everywhere",
): HTMLElement {
  const files = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true });
  const folder = el("input", { type: "file", webkitdirectory: true, hidden: true });
  for (const input of [files, folder]) {
    input.addEventListener("change", () => {
      onFiles([...(input.files ?? [])]);
      input.value = "";
    });
  }
  const cameraPlace = el("div", { class: "camera" });
  const cameraButton = button("Camera", () =>
    camera(cameraPlace, (file) => onFiles([file]), closed),
  );
  const container = el(
    "div",
    { class: "picture-input" },
    el("p", { class: "aside" }, `${WHERE[where]} They stay in this tab.`),
    el(
      "p",
      { class: "row" },
      button("Choose pictures", () => files.click()),
      button("Choose a folder", () => folder.click()),
      navigator.mediaDevices && cameraButton,
    ),
    files,
    folder,
    cameraPlace,
  );
  listen(where === "here" ? container : document, onFiles, closed);
  return container;
}

const WHERE = {
  everywhere: "Drop or paste pictures anywhere on this page.",
  here: "Drop pictures here.",
};

function listen(
  target: HTMLElement | Document,
  onFiles: (files: File[]) => void,
  signal: AbortSignal,
): void {
  const handleTransfer = async (transfer: DataTransfer | null): Promise<void> => {
    const files = transfer ? await filesFromTransfer(transfer) : [];
    if (files.length > 0) onFiles(files);
  };
  const setDropping = (on: boolean) => document.body.classList.toggle("dropping", on);
  const on = (name: string, listener: (event: DragEvent) => void): void =>
    target.addEventListener(name, listener as EventListener, { signal });
  if (target === document) {
    const paste = (event: ClipboardEvent): void => {
      event.stopPropagation();
      void handleTransfer(event.clipboardData);
    };
    document.addEventListener("paste", paste, { signal });
  }
  on("dragover", (event) => {
    event.preventDefault();
    setDropping(true);
  });
  on("dragleave", () => setDropping(false));
  on("drop", (event) => {
    event.preventDefault();
    // An input for the whole page must not get it too.
    event.stopPropagation();
    setDropping(false);
    void handleTransfer(event.dataTransfer);
  });
}
