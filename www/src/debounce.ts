/** Work that is asked for faster than it is done: what is asked last is what is done. */

/** Starts `work` soon after it is asked for; whatever it replaces is told to give up. */
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
    const own = new AbortController();
    running = own;
    timer = setTimeout(() => void work(own.signal), delayMs);
  };
}

/** Lets the browser draw and listen before more is done. */
export const yieldToBrowser = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
