import { streamDeleted } from '../grpc/rpc-errors.js';
import { eventMessage } from '../grpc/read-messages.js';
import { resolve } from '../reading/resolve-link.js';
import { windowOf } from '../reading/stream-window.js';
import type { StreamWindow } from '../reading/stream-window.js';
import type { StreamStore } from '../streams/stream-store.js';
import type { EventSource } from './event-source.js';

export interface StreamSourceOptions {
  readonly streamName: Buffer;
  /** Deliver events after this revision. */
  readonly after: number | 'start' | 'end';
  readonly resolveLinks: boolean;
  readonly now: () => number;
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
    else if (after === 'end') this.nextRevision = this.lastRevision() + 1;
    else this.nextRevision = after + 1;
  }

  next(): Buffer | 'up-to-date' {
    const { store, options } = this;
    const window = this.window();
    if (window.kind === 'missing') return 'up-to-date';
    this.nextRevision = Math.max(this.nextRevision, window.first);
    while (this.nextRevision <= window.last) {
      const record = window.recordAt(this.nextRevision);
      this.nextRevision += 1;
      if (record.recordedAt >= window.notBefore)
        return eventMessage(resolve(store, record, options.resolveLinks, options.now()));
    }
    return 'up-to-date';
  }

  checkpoint(): undefined {
    return undefined;
  }

  isBehindBy(count: number): boolean {
    return this.lastRevision() - this.nextRevision + 1 > count;
  }

  private window(): Exclude<StreamWindow, { kind: 'tombstoned' }> {
    const { streamName, now } = this.options;
    const window = windowOf(this.store, streamName, now());
    if (window.kind === 'tombstoned') throw streamDeleted(streamName.toString('utf8'));
    return window;
  }

  private lastRevision(): number {
    const window = this.window();
    return window.kind === 'readable' ? window.last : -1;
  }
}
