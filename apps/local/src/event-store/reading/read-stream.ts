import { streamDeleted } from '../grpc/rpc-errors.js';
import { eventMessage, streamNotFoundMessage } from '../grpc/read-messages.js';
import type { StreamReader } from './stream-reader.js';

export interface StreamReadRequest {
  readonly streamName: Buffer;
  readonly from: number | 'start' | 'end';
  readonly direction: 'forwards' | 'backwards';
  readonly maxCount: number;
  readonly resolveLinks: boolean;
}

/**
 * The messages that answer a read of one stream.
 *
 * @throws RpcError when the stream is tombstoned
 */
export function* readStream(reader: StreamReader, request: StreamReadRequest): Generator<Buffer> {
  const { streamName, direction } = request;
  const window = reader.windowOf(streamName);
  if (window.kind === 'tombstoned') throw streamDeleted(streamName.toString('utf8'));
  if (window.kind === 'missing') {
    yield streamNotFoundMessage(streamName);
    return;
  }
  const { first, last } = window;
  const step = direction === 'forwards' ? 1 : -1;
  let revision = startOf(request, first, last);
  for (let sent = 0; sent < request.maxCount; revision += step) {
    if (revision < first || revision > last) return;
    const record = window.recordAt(revision);
    if (record.recordedAt < window.notBefore) {
      // Older events come next: none of them can be shown.
      if (direction === 'backwards') return;
      continue;
    }
    yield eventMessage(reader.resolve(record, request.resolveLinks));
    sent += 1;
  }
}

function startOf(request: StreamReadRequest, first: number, last: number): number {
  const { from, direction } = request;
  if (direction === 'forwards') {
    if (from === 'end') return last + 1;
    return Math.max(from === 'start' ? 0 : from, first);
  }
  if (from === 'start') return 0;
  return from === 'end' ? last : Math.min(from, last);
}
