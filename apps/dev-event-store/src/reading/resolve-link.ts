import type { EventRecord } from '../log/event-record.js';
import type { ResolvedEvent } from '../grpc/read-messages.js';
import type { StreamStore } from '../streams/stream-store.js';
import { windowOf } from './stream-window.js';

const LINK_TYPE = Buffer.from('$>');

/** The event as it is sent: a link is followed when the reader asked for that. */
export function resolve(
  store: StreamStore,
  record: EventRecord,
  resolveLinks: boolean,
  now: number,
): ResolvedEvent {
  const { position } = record;
  if (!resolveLinks || !record.type.equals(LINK_TYPE)) return { event: record, position };
  return { event: targetOf(store, record, now), link: record, position };
}

/** The data of a link are `<revision>@<stream>`. */
function targetOf(store: StreamStore, link: EventRecord, now: number): EventRecord | undefined {
  const { data } = link;
  const separator = data.indexOf('@');
  const revision = Number(data.subarray(0, separator).toString('latin1'));
  if (separator < 1 || !Number.isSafeInteger(revision)) return undefined;
  const window = windowOf(store, data.subarray(separator + 1), now);
  if (window.kind !== 'readable' || revision < window.first || revision > window.last)
    return undefined;
  const record = window.recordAt(revision);
  return record.recordedAt >= window.notBefore ? record : undefined;
}
