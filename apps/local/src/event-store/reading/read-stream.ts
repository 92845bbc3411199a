import { eventMessage, streamNotFoundMessage } from '../grpc/read-messages.js';
import type { StreamStore } from '../streams/stream-store.js';

export interface StreamReadRequest {
  readonly streamName: Buffer;
  readonly from: number | 'start' | 'end';
  readonly direction: 'forwards' | 'backwards';
  readonly maxCount: number;
}

/** The messages that answer a read of one stream. */
export function* readStream(store: StreamStore, request: StreamReadRequest): Generator<Buffer> {
  const { streamName, direction } = request;
  const stream = store.readable(streamName);
  if (stream === undefined) {
    yield streamNotFoundMessage(streamName);
    return;
  }
  const step = direction === 'forwards' ? 1 : -1;
  let revision = startOf(request, stream.last);
  for (let sent = 0; sent < request.maxCount; sent += 1) {
    if (revision < 0 || revision > stream.last) return;
    yield eventMessage(stream.recordAt(revision));
    revision += step;
  }
}

function startOf({ from, direction }: StreamReadRequest, last: number): number {
  if (from === 'start') return 0;
  if (direction === 'forwards') return from === 'end' ? last + 1 : from;
  return from === 'end' ? last : Math.min(from, last);
}
