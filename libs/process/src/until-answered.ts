import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from './log.js';

const RETRY_MS = 500;

/**
 * Tries again and again while what a start needs does not answer, and says once what it waits for.
 *
 * @param isTransient whether another try may go well after this error
 * @throws what the attempt throws otherwise, and the signal's reason
 */
export async function untilAnswered<Result>(
  attempt: () => Promise<Result>,
  isTransient: (error: unknown) => boolean,
  { log, signal }: { readonly log: Pick<Log, 'warn'>; readonly signal: AbortSignal },
): Promise<Result> {
  let said: string | undefined;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== said) log.warn({ reason }, 'the start waits');
      said = reason;
    }
    await pause(RETRY_MS, undefined, { signal });
  }
}
