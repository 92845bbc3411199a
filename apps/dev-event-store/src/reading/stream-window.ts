import { NOT_FOUND } from '../index/event-index.js';
import type { EventRecord } from '../log/event-record.js';
import type { StreamStore } from '../streams/stream-store.js';

/** What can be read of a stream at this moment. */
export type StreamWindow =
  | { readonly kind: 'missing' }
  | { readonly kind: 'tombstoned' }
  | {
      readonly kind: 'readable';
      /** Lowest revision that may be shown; above `last` when all events are truncated. */
      readonly first: number;
      /** Highest revision that is durable. */
      readonly last: number;
      /** Unix milliseconds; events recorded before are not shown. */
      readonly notBefore: number;
      recordAt(revision: number): EventRecord;
    };

/** @param now Unix milliseconds */
export function windowOf(store: StreamStore, streamName: Buffer, now: number): StreamWindow {
  if (store.isTombstoned(streamName)) return { kind: 'tombstoned' };
  const { index } = store;
  const stream = index.streams.find(streamName);
  if (stream === NOT_FOUND) return { kind: 'missing' };
  const last = lastVisibleRevision(store, stream);
  const limits = store.limitsOf(streamName);
  if (last < 0 || limits.isDeleted) return { kind: 'missing' };
  return {
    kind: 'readable',
    first: Math.max(0, last - limits.maxCount + 1, limits.truncateBefore),
    last,
    notBefore: now - limits.maxAgeSeconds * 1_000,
    recordAt: (revision) => store.recordOf(index.eventAt(stream, revision)),
  };
}

function lastVisibleRevision(store: StreamStore, stream: number): number {
  const { index, visibleEvents } = store;
  let revision = index.lengthOfStream(stream) - 1;
  while (revision >= 0 && index.eventAt(stream, revision) >= visibleEvents) revision -= 1;
  return revision;
}
