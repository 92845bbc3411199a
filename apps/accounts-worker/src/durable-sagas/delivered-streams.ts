import type { RecordedEvent } from '@app/event-store';

/** Decisions are about streams that have only just changed, and most of those are short. */
const MOST_STREAMS = 1_000;
const MOST_EVENTS = 16;

interface DeliveredStream {
  readonly events: readonly RecordedEvent[];
  readonly changedAt: number;
}

/** The streams of which a feed was delivered every event, from the first on, for as long as that is of use. */
export class DeliveredStreams {
  /** In the order in which they changed. */
  private readonly streams = new Map<string, DeliveredStream>();

  /** @param keptForMs how long a stream is kept after its newest event, in milliseconds */
  constructor(private readonly keptForMs: number) {}

  /** To be called for every event in the order of the log. */
  note(event: RecordedEvent): void {
    const { streamName, revision } = event;
    const before = revision === 0n ? [] : this.streams.get(streamName)?.events;
    this.streams.delete(streamName);
    const changedAt = performance.now();
    if (before && BigInt(before.length) === revision && before.length < MOST_EVENTS) {
      this.streams.set(streamName, { events: [...before, event], changedAt });
    }
    for (const [name, stream] of this.streams) {
      const isKept = stream.changedAt > changedAt - this.keptForMs;
      if (isKept && this.streams.size <= MOST_STREAMS) break;
      this.streams.delete(name);
    }
  }

  /** Undefined where an event of the stream may be missing. */
  find(streamName: string): readonly RecordedEvent[] | undefined {
    return this.streams.get(streamName)?.events;
  }

  clear(): void {
    this.streams.clear();
  }
}
