import { newEvent } from './new-events.js';
import type { LogPosition, RecordedEvent, SubscriptionMessage } from '../event-store.js';

/** An event as a subscription delivers it; its number in the data and in its position. */
function recordedEvent(number: number): RecordedEvent {
  return {
    ...newEvent({ number }),
    streamName: 'account-1',
    revision: BigInt(number),
    position: positionOfNumber(number),
    recordedAt: new Date(0),
  };
}

export function positionOfNumber(number: number): LogPosition {
  return BigInt(number) * 100n + 100n;
}

export function numberOf(event: RecordedEvent): number {
  return (event.data as { number: number }).number;
}

export function messageOfEvent(number: number): SubscriptionMessage {
  return { kind: 'event', event: recordedEvent(number) };
}

export function messageOfCheckpoint(position: LogPosition): SubscriptionMessage {
  return { kind: 'checkpoint', position };
}

export const caughtUpMessage: SubscriptionMessage = { kind: 'caught-up' };

/** Messages that a spec hands out one by one, and that notes how many were taken. */
export class MessageSource implements AsyncIterable<SubscriptionMessage> {
  /** Messages that the consumer has been given. */
  taken = 0;
  /** The consumer has stopped iterating. */
  left = false;
  private readonly messages: SubscriptionMessage[] = [];
  private end: { readonly error?: Error } | undefined;
  private wake: () => void = () => undefined;

  send(...messages: readonly SubscriptionMessage[]): this {
    this.messages.push(...messages);
    this.wake();
    return this;
  }

  /** Ends the iteration behind what was sent; with an error when there is one. */
  finish(error?: Error): this {
    this.end = error ? { error } : {};
    this.wake();
    return this;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SubscriptionMessage, void, void> {
    try {
      for (;;) {
        const message = this.messages[this.taken];
        if (message) {
          this.taken++;
          yield message;
        } else if (this.end) {
          if (this.end.error) throw this.end.error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.wake = resolve));
        }
      }
    } finally {
      this.left = true;
    }
  }
}
