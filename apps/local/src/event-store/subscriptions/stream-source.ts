import { streamDeleted } from '../grpc/rpc-errors.js';
import type { StreamReader } from '../reading/stream-reader.js';
import type { StreamWindow } from '../reading/stream-window.js';
import { UP_TO_DATE } from './event-source.js';
import type { EventSource, SourceStep } from './event-source.js';

export interface StreamSourceOptions {
  readonly streamName: Buffer;
  /** Deliver events after this revision. */
  readonly after: number | 'start' | 'end';
  readonly resolveLinks: boolean;
}

/** The events of one stream after a revision, in order; the stream need not exist yet. */
export class StreamSource implements EventSource {
  private nextRevision: number;

  constructor(
    private readonly reader: StreamReader,
    private readonly options: StreamSourceOptions,
  ) {
    const { after } = options;
    if (after === 'start') this.nextRevision = 0;
    else if (after === 'end') this.nextRevision = this.lastRevision() + 1;
    else this.nextRevision = after + 1;
  }

  next(): SourceStep {
    const window = this.window();
    if (window.kind === 'missing') return UP_TO_DATE;
    this.nextRevision = Math.max(this.nextRevision, window.first);
    while (this.nextRevision <= window.last) {
      const record = window.recordAt(this.nextRevision);
      this.nextRevision += 1;
      if (record.recordedAt >= window.notBefore)
        return { kind: 'event', event: this.reader.resolve(record, this.options.resolveLinks) };
    }
    return UP_TO_DATE;
  }

  checkpoint(): undefined {
    return undefined;
  }

  isBehindBy(count: number): boolean {
    return this.lastRevision() - this.nextRevision + 1 > count;
  }

  private window(): Exclude<StreamWindow, { kind: 'tombstoned' }> {
    const { streamName } = this.options;
    const window = this.reader.windowOf(streamName);
    if (window.kind === 'tombstoned') throw streamDeleted(streamName.toString('utf8'));
    return window;
  }

  private lastRevision(): number {
    const window = this.window();
    return window.kind === 'readable' ? window.last : -1;
  }
}
