import type { EventStore, LogPosition } from '@app/event-store';

/** How far a consumer is behind the log. */
export interface Lag {
  readonly events: number;
  /** There are more events than were counted. */
  readonly atLeast: boolean;
  /** Age of the oldest event that the consumer has not handled, in seconds. */
  readonly seconds: number;
}

const MOST_COUNTED = 10_000;
const TIMEOUT_MS = 1_500;

/**
 * Counts the events beyond a checkpoint in the log itself: what a consumer says about its own lag is worth
 * nothing when it hangs.
 *
 * @param now milliseconds since the Unix epoch
 * @throws EventStoreUnavailable
 */
export async function measureLag(
  store: EventStore,
  after: LogPosition | 'start',
  streamNamePrefixes: readonly [string, ...string[]],
  now: number,
): Promise<Lag> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let events = 0;
  let oldest: number | undefined;
  for await (const message of store.subscribeToAll({ after, streamNamePrefixes, signal })) {
    if (message.kind === 'caught-up') return lag(events, false, oldest, now);
    if (message.kind !== 'event') continue;
    events += 1;
    oldest ??= message.event.recordedAt.getTime();
    if (events === MOST_COUNTED) break;
  }
  return lag(events, true, oldest, now);
}

function lag(events: number, atLeast: boolean, oldest: number | undefined, now: number): Lag {
  const seconds = oldest === undefined ? 0 : Math.max(0, now - oldest) / 1_000;
  return { events, atLeast, seconds };
}
