/** Work that is asked for faster than it is done: what is asked last is what is done. */

/** Starts `work` soon after it is asked for; whatever it replaces is told to give up. */
export function latest(
  work: (signal: AbortSignal) => Promise<void>,
  until: AbortSignal,
  pauseMs = 80,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: AbortController | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    running?.abort();
  };
  until.addEventListener("abort", stop, { once: true });
  return () => {
    if (until.aborted) return;
    stop();
    const own = new AbortController();
    running = own;
    timer = setTimeout(() => void work(own.signal), pauseMs);
  };
}

/** Lets the browser draw and listen before more is done. */
export const breath = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
