import type { StreamStore } from '../streams/stream-store.js';
import { UP_TO_DATE } from './event-source.js';
import type { EventSource, SourceStep } from './event-source.js';

export interface StreamSourceOptions {
  readonly streamName: Buffer;
  /** Deliver events after this revision. */
  readonly after: number | 'start' | 'end';
}

/** The events of one stream after a revision, in order; the stream need not exist yet. */
export class StreamSource implements EventSource {
  private readonly streamName: Buffer;
  private nextRevision: number;

  constructor(
    private readonly store: StreamStore,
    { streamName, after }: StreamSourceOptions,
  ) {
    this.streamName = streamName;
    if (after === 'start') this.nextRevision = 0;
    else if (after === 'end') this.nextRevision = this.lastRevision() + 1;
    else this.nextRevision = after + 1;
  }

  next(): SourceStep {
    const stream = this.store.readable(this.streamName);
    if (stream === undefined || this.nextRevision > stream.last) return UP_TO_DATE;
    const event = stream.recordAt(this.nextRevision);
    this.nextRevision += 1;
    return { kind: 'event', event };
  }

  checkpoint(): undefined {
    return undefined;
  }

  isBehindBy(count: number): boolean {
    return this.lastRevision() - this.nextRevision + 1 > count;
  }

  private lastRevision(): number {
    return this.store.readable(this.streamName)?.last ?? -1;
  }
}
