import { eventMessage, streamNotFoundMessage } from '../grpc/read-messages.js';
import type { EventFilter } from '../subscriptions/all-filter.js';
import type { StreamStore } from '../streams/stream-store.js';

interface Range {
  /** A revision of the stream, or a position in the log. */
  readonly from: number | 'start' | 'end';
  readonly direction: 'forwards' | 'backwards';
  readonly maxCount: number;
}

/** The messages that answer a read of one stream. */
export function* readStream(
  store: StreamStore,
  streamName: Buffer,
  range: Range,
): Generator<Buffer> {
  const stream = store.readable(streamName);
  if (stream === undefined) {
    yield streamNotFoundMessage(streamName);
    return;
  }
  const step = range.direction === 'forwards' ? 1 : -1;
  let revision = firstRevision(range, stream.last);
  for (let sent = 0; sent < range.maxCount; sent += 1) {
    if (revision < 0 || revision > stream.last) return;
    yield eventMessage(stream.recordAt(revision));
    revision += step;
  }
}

function firstRevision({ from, direction }: Range, last: number): number {
  if (from === 'start') return 0;
  if (direction === 'forwards') return from === 'end' ? last + 1 : from;
  return from === 'end' ? last : Math.min(from, last);
}

/** The messages that answer a read of the whole log: forwards inclusive, backwards exclusive. */
export function* readAll(store: StreamStore, filter: EventFilter, range: Range): Generator<Buffer> {
  const { visibleEvents } = store;
  const step = range.direction === 'forwards' ? 1 : -1;
  let eventNumber = firstEvent(store, range);
  for (let sent = 0; sent < range.maxCount; eventNumber += step) {
    if (eventNumber < 0 || eventNumber >= visibleEvents) return;
    if (!filter(eventNumber)) continue;
    yield eventMessage(store.recordOf(eventNumber));
    sent += 1;
  }
}

function firstEvent(store: StreamStore, { from, direction }: Range): number {
  const isForwards = direction === 'forwards';
  if (from === 'start') return isForwards ? 0 : -1;
  const next = from === 'end' ? store.visibleEvents : store.index.firstEventAtOrAfter(from);
  return isForwards ? next : Math.min(next, store.visibleEvents) - 1;
}
