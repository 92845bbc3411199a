const SHORTEST_MS = 100;
const LONGEST_MS = 5_000;

/**
 * Longest pause between two tries to reach a store or a database, in milliseconds. A caller who reads what it has just
 * written waits 2 s for a projection: one that slept longer after an outage would have the caller turned away.
 */
export const LONGEST_RECONNECT_MS = 1_000;

/**
 * Exponential back-off with jitter, in milliseconds, after so many failures in a row.
 *
 * @param longestMs never more than this
 */
export function backoffMs(failures: number, longestMs = LONGEST_MS): number {
  const ceiling = Math.min(longestMs, SHORTEST_MS * 2 ** Math.min(failures, 16));
  return Math.round(ceiling / 2 + (Math.random() * ceiling) / 2);
}

/** Waits, but not past the end of the signal. No error is made for that, as the promises of node:timers make one. */
export function pauseUnlessAborted(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal.aborted ? 0 : milliseconds);
    signal.addEventListener('abort', end);
  });
}
