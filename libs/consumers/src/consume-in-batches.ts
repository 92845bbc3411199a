import { setImmediate as nextRound } from 'node:timers/promises';
import { WakeUp } from '@app/event-store';
import type { LogPosition, RecordedEvent, SubscriptionMessage } from '@app/event-store';

export interface Batch {
  /** In the order of the log; may be empty when only the position moved. */
  readonly events: readonly RecordedEvent[];
  /** How far the log has been seen with this batch. */
  readonly position: LogPosition;
  /** True once everything that was recorded before the subscription has been handed on. */
  readonly caughtUp: boolean;
}

/** Longest time for which messages are put off, in milliseconds. */
const PUT_OFF_MS = 250;

/**
 * Consumer for projections: hands on whatever has arrived as one batch, one batch at a time, so that
 * batches are small when events are rare and large when there is much to catch up with. At most twice
 * `maxBatchSize` messages wait in memory; beyond that the store is held back.
 *
 * A handler that throws ends the consumer: the subscription starts again from the checkpoint.
 */
export function consumeInBatches(options: {
  readonly maxBatchSize: number;
  handle(batch: Batch): Promise<void>;
  /** What may wait for a while, so that it is handed on together with what may not. None when left out. */
  mayBePutOff?(message: SubscriptionMessage): boolean;
}): (messages: AsyncIterable<SubscriptionMessage>) => Promise<void> {
  return async (messages) => {
    const waiting: SubscriptionMessage[] = [];
    const arrived = new WakeUp();
    const taken = new WakeUp();
    let receiving = true;
    let handling = true;

    const receive = async (): Promise<void> => {
      try {
        for await (const message of messages) {
          waiting.push(message);
          arrived.wake();
          while (handling && waiting.length >= 2 * options.maxBatchSize) await taken.woken();
          if (!handling) return;
        }
      } finally {
        receiving = false;
        arrived.wake();
      }
    };

    const putOff = async (): Promise<void> => {
      const until = performance.now() + PUT_OFF_MS;
      while (receiving && waiting.length < options.maxBatchSize) {
        const leftMs = until - performance.now();
        if (leftMs <= 0 || !waiting.every((message) => options.mayBePutOff?.(message))) return;
        const timer = setTimeout(() => arrived.wake(), leftMs);
        await arrived.woken();
        clearTimeout(timer);
      }
    };

    const handleWhatArrives = async (): Promise<void> => {
      let caughtUp = false;
      try {
        while (receiving || waiting.length > 0) {
          if (waiting.length === 0) {
            await arrived.woken();
            continue;
          }
          await putOff();
          // What was appended together arrives one by one.
          await nextRound();
          const messagesOfBatch = waiting.splice(0, options.maxBatchSize);
          taken.wake();
          caughtUp ||= messagesOfBatch.some((message) => message.kind === 'caught-up');
          const batch = toBatch(messagesOfBatch, caughtUp);
          if (batch) await options.handle(batch);
        }
      } finally {
        handling = false;
        taken.wake();
      }
    };

    const received = receive().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // What was received before the connection broke is still handled: a new subscription must not
    // start while a batch of the old one is under way.
    await handleWhatArrives();
    const lost = await received;
    if (lost) throw lost.error;
  };
}

/** Nothing to hand on when the only news is that the consumer has caught up. */
function toBatch(messages: readonly SubscriptionMessage[], caughtUp: boolean): Batch | undefined {
  const events: RecordedEvent[] = [];
  let position: LogPosition | undefined;
  for (const message of messages) {
    if (message.kind === 'event') {
      events.push(message.event);
      position = message.event.position;
    } else if (message.kind === 'checkpoint') {
      position = message.position;
    }
  }
  return position === undefined ? undefined : { events, position, caughtUp };
}
