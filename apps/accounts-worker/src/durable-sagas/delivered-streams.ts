import type { RecordedEvent } from '@app/event-store';
import { LRUCache } from 'lru-cache';

/** Decisions are about streams that have only just changed, and most of those are short. */
const MOST_STREAMS = 1_000;
const MOST_EVENTS = 16;

/** The streams of which a feed was delivered every event, from the first on. */
export class DeliveredStreams {
  private readonly streams = new LRUCache<string, readonly RecordedEvent[]>({ max: MOST_STREAMS });

  /** To be called for every event in the order of the log. */
  note(event: RecordedEvent): void {
    const { streamName, revision } = event;
    const before = revision === 0n ? [] : this.streams.get(streamName);
    if (before && BigInt(before.length) === revision && before.length < MOST_EVENTS) {
      this.streams.set(streamName, [...before, event]);
    } else {
      this.streams.delete(streamName);
    }
  }

  /** Undefined where an event of the stream may be missing. */
  find(streamName: string): readonly RecordedEvent[] | undefined {
    return this.streams.get(streamName);
  }

  clear(): void {
    this.streams.clear();
  }
}
