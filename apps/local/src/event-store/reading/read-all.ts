import { eventMessage } from '../grpc/read-messages.js';
import type { EventFilter } from '../subscriptions/all-filter.js';
import type { StreamStore } from '../streams/stream-store.js';

export interface AllReadRequest {
  /** Position in the log. */
  readonly from: number | 'start' | 'end';
  readonly direction: 'forwards' | 'backwards';
  readonly maxCount: number;
  readonly filter: EventFilter;
}

/** The messages that answer a read of the whole log: forwards inclusive, backwards exclusive. */
export function* readAll(store: StreamStore, request: AllReadRequest): Generator<Buffer> {
  const { direction, filter } = request;
  const { visibleEvents } = store;
  const step = direction === 'forwards' ? 1 : -1;
  let eventNumber = startOf(store, request);
  for (let sent = 0; sent < request.maxCount; eventNumber += step) {
    if (eventNumber < 0 || eventNumber >= visibleEvents) return;
    if (!filter(eventNumber)) continue;
    yield eventMessage(store.recordOf(eventNumber));
    sent += 1;
  }
}

function startOf(store: StreamStore, { from, direction }: AllReadRequest): number {
  const isForwards = direction === 'forwards';
  if (from === 'start') return isForwards ? 0 : -1;
  const next = from === 'end' ? store.visibleEvents : store.index.firstEventAtOrAfter(from);
  return isForwards ? next : Math.min(next, store.visibleEvents) - 1;
}
