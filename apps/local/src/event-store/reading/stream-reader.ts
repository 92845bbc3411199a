import { NOT_FOUND } from '../index/event-index.js';
import type { EventRecord } from '../log/event-record.js';
import type { SystemProjections } from '../projections/system-projections.js';
import type { StreamStore } from '../streams/stream-store.js';
import { LINK_TYPE } from './stream-window.js';
import type { ResolvedEvent, StreamWindow } from './stream-window.js';

/** Everything that can be read: the streams that were written and those that projections keep. */
export class StreamReader {
  /** @param now Unix milliseconds */
  constructor(
    readonly store: StreamStore,
    private readonly projections: SystemProjections,
    private readonly now: () => number,
  ) {}

  /** Calls back whenever there may be more to read. Returns how to end that. */
  onProgress(listener: () => void): () => void {
    const stopStore = this.store.onProgress(listener);
    const stopProjections = this.projections.onProgress(listener);
    return () => {
      stopStore();
      stopProjections();
    };
  }

  /** Position of the newest event that can be read; 0 when there is none. */
  get endOfLog(): number {
    const { index, visibleEvents } = this.store;
    return visibleEvents === 0 ? 0 : index.positionOf(visibleEvents - 1);
  }

  windowOf(streamName: Buffer): StreamWindow {
    return this.projections.windowOf(streamName) ?? this.windowOfWritten(streamName);
  }

  /** Follows a link, when the reader asked for that. */
  resolve(record: EventRecord, resolveLinks: boolean): ResolvedEvent {
    const { position } = record;
    if (!resolveLinks || !record.type.equals(LINK_TYPE)) return { event: record, position };
    return { event: this.targetOf(record), link: record, position };
  }

  private windowOfWritten(streamName: Buffer): StreamWindow {
    const { store } = this;
    const { index } = store;
    if (store.isTombstoned(streamName)) return { kind: 'tombstoned' };
    const stream = index.streams.find(streamName);
    if (stream === NOT_FOUND) return { kind: 'missing' };
    const last = this.lastDurableRevision(stream);
    const limits = store.limitsOf(streamName);
    if (last < 0 || limits.isDeleted) return { kind: 'missing' };
    return {
      kind: 'readable',
      first: Math.max(0, last - limits.maxCount + 1, limits.truncateBefore),
      last,
      notBefore: this.now() - limits.maxAgeSeconds * 1_000,
      recordAt: (revision) => store.recordOf(index.eventAt(stream, revision)),
    };
  }

  private lastDurableRevision(stream: number): number {
    const { index, visibleEvents } = this.store;
    let revision = index.lengthOfStream(stream) - 1;
    while (revision >= 0 && index.eventAt(stream, revision) >= visibleEvents) revision -= 1;
    return revision;
  }

  /** The data of a link are `<revision>@<stream>`. */
  private targetOf({ data }: EventRecord): EventRecord | undefined {
    const separator = data.indexOf('@');
    const revision = Number(data.toString('latin1', 0, Math.max(separator, 0)));
    if (separator < 1 || !Number.isSafeInteger(revision)) return undefined;
    const window = this.windowOf(data.subarray(separator + 1));
    if (window.kind !== 'readable' || revision < window.first || revision > window.last)
      return undefined;
    const record = window.recordAt(revision);
    return record.recordedAt >= window.notBefore ? record : undefined;
  }
}
