import { eventMessage } from '../grpc/read-messages.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { EventSource, SourceStep } from './event-source.js';

export interface StreamSourceOptions {
  readonly streamName: Buffer;
  /** Deliver events after this revision. */
  readonly after: number | 'start' | 'end';
  /** It is not caught up before the stream has events. */
  readonly waitsForStream: boolean;
}

/** The events of one stream after a revision, in order; the stream need not exist yet. */
export class StreamSource implements EventSource {
  private nextRevision: number;

  constructor(
    private readonly store: StreamStore,
    private readonly options: StreamSourceOptions,
  ) {
    const { after } = options;
    if (after === 'start') this.nextRevision = 0;
    else this.nextRevision = (after === 'end' ? this.lastRevision() : after) + 1;
  }

  *history(): Generator<SourceStep> {
    for (let revision = this.nextRevision; revision <= this.lastRevision(); revision += 1) {
      const stream = this.store.index.streams.find(this.options.streamName);
      yield { kind: 'event', number: this.store.index.eventAt(stream, revision) };
    }
  }

  isThere(): boolean {
    const { after, waitsForStream } = this.options;
    return !waitsForStream || after === 'end' || this.lastRevision() >= 0;
  }

  *live(number: number): Generator<SourceStep> {
    const { index } = this.store;
    if (index.streamOf(number) === index.streams.find(this.options.streamName))
      yield { kind: 'event', number };
  }

  messageOf(step: SourceStep): Buffer | undefined {
    if (step.kind !== 'event') return undefined;
    const event = this.store.recordOf(step.number);
    if (event.revision < this.nextRevision) return undefined;
    this.nextRevision = event.revision + 1;
    return eventMessage(event);
  }

  fallBehind(): readonly SourceStep[] {
    return [];
  }

  private lastRevision(): number {
    return this.store.readable(this.options.streamName)?.last ?? -1;
  }
}
