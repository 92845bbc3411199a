import { randomUUID } from 'node:crypto';
import type { OpenStream } from '../grpc/open-streams.js';
import {
  CAUGHT_UP_MESSAGE,
  checkpointMessage,
  confirmationMessage,
  eventMessage,
  FELL_BEHIND_MESSAGE,
} from '../grpc/read-messages.js';
import { asRpcError, consumerTooSlow } from '../grpc/rpc-errors.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { EventSource } from './event-source.js';

/**
 * What happens to a subscriber that does not keep up with live events: version 24 of EventStoreDB lets it
 * catch up again, version 23.10 aborts the call.
 */
export type SlowConsumerPolicy = 'catch-up' | 'abort';

/** So many live events may wait for a subscriber. */
const LIVE_BUFFER_LENGTH = 32;

/**
 * Delivers a source to a subscriber: confirmation, history, caught-up, then live events as they become
 * durable, until the client or the server ends the call.
 */
export async function runCatchUpSubscription(
  store: StreamStore,
  stream: OpenStream,
  openSource: () => EventSource,
  slowConsumerPolicy: () => SlowConsumerPolicy,
): Promise<void> {
  stream.onClose(store.onProgress(() => stream.wake()));
  try {
    const source = openSource();
    stream.write(confirmationMessage(randomUUID()));
    await deliver(source, stream, slowConsumerPolicy);
  } catch (error) {
    stream.fail(asRpcError(error));
  }
}

async function deliver(
  source: EventSource,
  stream: OpenStream,
  slowConsumerPolicy: () => SlowConsumerPolicy,
): Promise<void> {
  let isLive = false;
  while (!stream.isClosed) {
    const isLate = stream.isFull && source.isBehindBy(LIVE_BUFFER_LENGTH);
    if (isLive && (isLate || stream.isOverrun)) {
      if (slowConsumerPolicy() === 'abort') throw consumerTooSlow();
      stream.isOverrun = false;
      isLive = false;
      stream.write(FELL_BEHIND_MESSAGE);
    }
    if (stream.mustWait) {
      await stream.pause();
      continue;
    }
    const step = source.next();
    switch (step.kind) {
      case 'event':
        stream.write(eventMessage(step.event));
        break;
      case 'checkpoint':
        stream.write(checkpointMessage(step.position));
        break;
      case 'searching':
        await new Promise((resolve) => setImmediate(resolve));
        break;
      case 'up-to-date':
        if (!isLive) {
          announceCaughtUp(source, stream);
          isLive = true;
        }
        await stream.pause();
        if (slowConsumerPolicy() === 'abort' && source.isBehindBy(LIVE_BUFFER_LENGTH))
          throw consumerTooSlow();
    }
  }
}

function announceCaughtUp(source: EventSource, stream: OpenStream): void {
  const checkpoint = source.checkpoint();
  if (checkpoint !== undefined) stream.write(checkpointMessage(checkpoint));
  stream.write(CAUGHT_UP_MESSAGE);
}
