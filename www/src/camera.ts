/** The camera: mirrored; one picture per click, or several while the button is held. */
import { button, choice, el } from "./element.js";
import { errorBox } from "./error-box.js";

/** Time between two pictures while the button is held. */
const BURST_INTERVAL_MS = 150;

/** Opens the camera in `container`; `onPicture` gets every picture, `closed` switches it off. */
export async function camera(
  container: HTMLElement,
  onPicture: (file: File) => void,
  closed: AbortSignal,
): Promise<void> {
  // iOS starts it only muted and inline.
  const video = el("video", { class: "mirror", muted: true, playsinline: true, autoplay: true });
  video.muted = true;
  try {
    await start(video);
  } catch (error) {
    container.replaceChildren(
      errorBox(readableError(error), () => void camera(container, onPicture, closed)),
    );
    return;
  }
  const stop = (): void => {
    stopTracks(video);
    container.replaceChildren();
  };
  closed.addEventListener("abort", stop, { once: true });
  const controls = el(
    "p",
    { class: "row" },
    captureButton(video, onPicture),
    await cameraChoice(video),
  );
  controls.append(button("Stop the camera", stop));
  container.replaceChildren(video, controls);
}

async function start(video: HTMLVideoElement, deviceId?: string): Promise<void> {
  stopTracks(video);
  const wanted = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
  await video.play();
}

function stopTracks(video: HTMLVideoElement): void {
  (video.srcObject as MediaStream | null)?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
}

function readableError(error: unknown): Error {
  const { name } = error as Error;
  const why: Readonly<Record<string, string>> = {
    NotAllowedError: "The camera was not allowed. Allow it in the address bar, then try again.",
    NotFoundError: "There is no camera. Choose pictures instead.",
    NotReadableError: "Another program uses the camera. Close it, then try again.",
  };
  return new Error(why[name] ?? String(error), { cause: error });
}

/** A select of cameras, if there are several. */
async function cameraChoice(video: HTMLVideoElement): Promise<HTMLElement | null> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const cameras = all.filter(({ kind }) => kind === "videoinput");
  if (cameras.length < 2) return null;
  const options = cameras.map(
    ({ deviceId, label }, index) => [deviceId, label || `Camera ${index + 1}`] as const,
  );
  const select = choice(options, cameras[0]!.deviceId, (id) => void start(video, id));
  select.setAttribute("aria-label", "Which camera");
  return select;
}

/** A button that takes a picture, and more while it is held. */
function captureButton(video: HTMLVideoElement, onPicture: (file: File) => void): HTMLElement {
  const take = async () => onPicture(await captureStill(video));
  const capture = button("Take a picture, or hold", () => {});
  let timer: ReturnType<typeof setInterval> | undefined;
  const release = (): void => clearInterval(timer);
  capture.addEventListener("pointerdown", () => {
    void take();
    release();
    timer = setInterval(() => void take(), BURST_INTERVAL_MS);
  });
  for (const end of ["pointerup", "pointerleave", "pointercancel", "blur"]) {
    capture.addEventListener(end, release);
  }
  capture.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") void take();
  });
  return capture;
}

/** The current picture of the camera, mirrored. */
export async function captureStill(video: HTMLVideoElement): Promise<File> {
  const side = Math.min(video.videoWidth, video.videoHeight);
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d")!;
  context.scale(-1, 1);
  const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  context.drawImage(video, left, top, side, side, -side, 0, side, side);
  const blob = await canvas.convertToBlob({ type: "image/jpeg" });
  return new File([blob], "camera.jpg", { type: blob.type });
}
