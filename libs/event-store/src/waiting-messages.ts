import { isLogPosition, positionOf } from './event-store.js';
import type { LogPosition, SubscriptionMessage } from './event-store.js';

/** Subscription messages held in memory before the server is held back. */
export const MOST_WAITING = 1_000;

/**
 * Messages between the client, which pushes them, and the subscriber, who takes them one by one. Positions are
 * believed only when they are places of a log and move forward.
 */
export class WaitingMessages {
  private readonly messages: SubscriptionMessage[] = [];
  private taken = 0;
  private failure: { readonly error: unknown } | undefined;
  private ended = false;
  private wake: () => void = () => undefined;
  /** The last place received, or where the subscription began. */
  private reached: LogPosition;

  constructor(after: LogPosition | 'start') {
    this.reached = after === 'start' ? -1n : after;
  }

  get size(): number {
    return this.messages.length - this.taken;
  }

  add(message: SubscriptionMessage): void {
    // A later message would lead the consumer past an event that is not believed.
    if (this.failure || !this.moveTo(message)) return;
    const newest = this.messages.length - 1;
    const replaces =
      newest >= this.taken &&
      message.kind === 'checkpoint' &&
      this.messages[newest]?.kind === 'checkpoint';
    // Checkpoints hold nothing back, so that a slow subscriber would pile them up.
    if (replaces) this.messages[newest] = message;
    else this.messages.push(message);
    this.wake();
  }

  /** False for a position that is not believed. An event must not be skipped: the subscriber begins again. */
  private moveTo(message: SubscriptionMessage): boolean {
    if (message.kind === 'caught-up') return true;
    const position = positionOf(message);
    if (isLogPosition(position) && position > this.reached) {
      this.reached = position;
      return true;
    }
    if (message.kind === 'event') {
      this.fail(
        new Error(
          `an event came at position ${position}, where ${this.reached} was reached before`,
        ),
      );
    }
    return false;
  }

  /** What arrived before is still delivered. */
  fail(error: unknown): void {
    this.failure ??= { error };
    this.wake();
  }

  /** What arrived before is dropped: the subscriber wants no more. */
  end(): void {
    this.ended = true;
    this.wake();
  }

  async next(): Promise<SubscriptionMessage | undefined> {
    for (;;) {
      if (this.ended) return undefined;
      const message = this.messages[this.taken];
      if (message !== undefined) {
        this.taken++;
        this.dropTaken();
        return message;
      }
      if (this.failure) throw this.failure.error;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** Shifting an array message by message would copy it each time. */
  private dropTaken(): void {
    if (this.taken < this.messages.length && this.taken < MOST_WAITING) return;
    this.messages.splice(0, this.taken);
    this.taken = 0;
  }
}
