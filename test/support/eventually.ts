import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** How long to go on trying, in milliseconds: 20 s where nothing is said, as a busy machine needs time. */
  readonly within?: number;
  /** Pause between two tries, in milliseconds. */
  readonly every?: number;
}

/**
 * Tries until `attempt` neither throws nor rejects, and returns what it returned. Put the assertions
 * themselves into `attempt`.
 *
 * @throws the last attempt's error, with the time spent in its message, when the deadline has passed
 */
export async function eventually<Result>(
  attempt: () => Result | Promise<Result>,
  { within = 20_000, every = 20 }: EventuallyOptions = {},
): Promise<Result> {
  const startedAt = Date.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const spent = Date.now() - startedAt;
      if (spent >= within) {
        const reason = error instanceof Error ? error : new Error(String(error));
        reason.message = `still so after ${spent} ms and ${tries} tries: ${reason.message}`;
        throw reason;
      }
    }
    await delay(every);
  }
}
