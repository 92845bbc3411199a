import {
  backoffMs,
  EventStoreUnavailable,
  LONGEST_RECONNECT_MS,
  pauseUnlessAborted,
} from '@app/event-store';
import type { EventStore, LogPosition, SubscriptionMessage } from '@app/event-store';
import { noting } from './noting.js';

export interface SubscriptionOptions {
  /** Fixed name of the consumer, the same after every restart. */
  readonly name: string;
  readonly store: EventStore;
  readonly streamNamePrefixes: readonly [string, ...string[]];
  /** Where the consumer stopped last; asked again at every subscription. */
  readCheckpoint(): Promise<LogPosition | 'start'>;
  /** Works through the messages and keeps the checkpoint; `consumeInBatches` or `consumeInWindow`. */
  consume(messages: AsyncIterable<SubscriptionMessage>): Promise<void>;
  /** Ends the subscription; what is under way is finished first. */
  readonly signal: AbortSignal;
  /** Called at every loss of the subscription, with the pause before the next attempt. */
  onFault(error: unknown, retryInMs: number): void;
}

/**
 * Keeps a consumer fed for as long as the process lives: subscribes from its checkpoint, and when the
 * connection, the consumer or the checkpoint's store fails, subscribes anew from the checkpoint after a
 * pause that doubles while nothing gets through. Resolves once the signal has ended it.
 */
export async function runSubscription(options: SubscriptionOptions): Promise<void> {
  const { store, streamNamePrefixes, signal } = options;
  let faults = 0;
  const onMessage = () => {
    faults = 0;
  };
  while (!signal.aborted) {
    const attempt = new AbortController();
    try {
      const after = await options.readCheckpoint();
      const messages = store.subscribeToAll({
        after,
        streamNamePrefixes,
        signal: AbortSignal.any([signal, attempt.signal]),
      });
      await options.consume(noting(messages, onMessage));
      if (!signal.aborted) {
        throw new EventStoreUnavailable(`it ended the subscription of ${options.name}`);
      }
    } catch (error) {
      if (signal.aborted) return;
      const retryInMs = backoffMs(++faults, LONGEST_RECONNECT_MS);
      options.onFault(error, retryInMs);
      attempt.abort();
      await pauseUnlessAborted(retryInMs, signal);
    }
  }
}
