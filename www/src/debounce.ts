/** Work that is requested faster than it finishes: only the latest request is carried out. */

/** Starts `work` shortly after the last call, and aborts the work of earlier calls. */
export function debounced(
  work: (signal: AbortSignal) => Promise<void>,
  closed: AbortSignal,
  delayMs = 80,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    running?.abort();
  };
  closed.addEventListener("abort", stop, { once: true });
  return () => {
    if (closed.aborted) return;
    stop();
    const controller = new AbortController();
    running = controller;
    timer = setTimeout(() => void work(controller.signal), delayMs);
  };
}

/** Lets the browser draw and handle events before work goes on. */
export const yieldToBrowser = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
