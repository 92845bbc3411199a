import { randomUUID } from 'node:crypto';
import type { SlowReader } from '../behaviour.js';
import type { OpenStream } from '../grpc/open-streams.js';
import { CAUGHT_UP_MESSAGE, confirmationMessage } from '../grpc/read-messages.js';
import { consumerTooSlow } from '../grpc/rpc-errors.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { EventSource, SourceStep } from './event-source.js';

/** So many live messages may wait for a subscriber. */
const LIVE_QUEUE_LENGTH = 32;

/**
 * Delivers a source to a subscriber: confirmation, history, caught-up, then live events as they become
 * durable, until the client or the server ends the call.
 */
export class CatchUpSubscription {
  /** Live messages that the subscriber has not taken. */
  private queue: SourceStep[] = [];
  /** The next event that is to be queued. */
  private nextEvent = 0;
  private state: 'history' | 'live' | 'behind' = 'history';

  constructor(
    private readonly store: StreamStore,
    private readonly stream: OpenStream,
    private readonly source: EventSource,
    private readonly slowReader: SlowReader,
  ) {}

  /** @throws RpcError when the subscription cannot go on */
  async run(): Promise<void> {
    const { store, stream } = this;
    stream.onClose(store.onAppended(() => this.takeUp()));
    stream.write(confirmationMessage(randomUUID()));
    while (!stream.isClosed) {
      await this.deliverHistory();
      await this.deliverLive();
    }
  }

  private async deliverHistory(): Promise<void> {
    const { stream } = this;
    for (const step of this.source.history()) {
      if (step.kind === 'searching') await new Promise((resolve) => setImmediate(resolve));
      this.send(step);
      while (stream.mustWait && !stream.isClosed) await stream.pause();
      if (stream.isClosed) return;
    }
    // In the same turn: an event that becomes durable from now on is a live one.
    this.nextEvent = this.store.visibleEvents;
    this.state = this.source.isThere() ? 'live' : 'history';
    if (this.state === 'live') stream.write(CAUGHT_UP_MESSAGE);
  }

  /** Returns when the subscriber did not keep up, or with the next append where it was not live yet. */
  private async deliverLive(): Promise<void> {
    const { stream, source } = this;
    if (this.state === 'history') return stream.pause();
    while (this.state === 'live' && !stream.isClosed) {
      await stream.pause();
      if (stream.takeOverrun()) this.giveUp();
      this.sendQueue();
    }
    this.state = 'history';
    for (const step of source.fallBehind()) this.send(step);
  }

  /** Called with each append: its messages are all in the queue before the first is sent. */
  private takeUp(): void {
    const { stream, source, store, slowReader } = this;
    if (this.state !== 'live') return stream.wake();
    const before = this.queue.length;
    for (; this.nextEvent < store.visibleEvents; this.nextEvent += 1)
      this.queue.push(...source.live(this.nextEvent));
    const ofThisAppend = this.queue.length - before;
    const longestAppend =
      slowReader.kind === 'is-ended' ? slowReader.longestAppend : LIVE_QUEUE_LENGTH;
    if (this.queue.length > LIVE_QUEUE_LENGTH && stream.isStuck) this.giveUp();
    else if (ofThisAppend > longestAppend) {
      if (slowReader.kind === 'is-ended')
        for (const step of this.queue.slice(0, longestAppend)) this.send(step);
      this.giveUp();
    } else this.sendQueue();
  }

  private giveUp(): void {
    this.queue = [];
    this.state = 'behind';
    if (this.slowReader.kind === 'is-ended') this.stream.fail(consumerTooSlow());
    else this.stream.wake();
  }

  private sendQueue(): void {
    let sent = 0;
    while (sent < this.queue.length && !this.stream.mustWait) this.send(this.queue[sent++]!);
    this.queue.splice(0, sent);
  }

  private send(step: SourceStep): void {
    const message = this.source.messageOf(step);
    if (message !== undefined) this.stream.write(message);
  }
}
