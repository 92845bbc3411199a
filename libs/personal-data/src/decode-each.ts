import { MalformedAccountEvent, UnknownAccountEvent } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { EventCodec, RecordedEvent } from '@app/event-store';

/**
 * For what must go on although this version cannot read an event: its history, its erasure. Nothing may be decided on
 * what is left.
 *
 * @returns in the same order, and the fault in place of each event of an unknown type or version, or of another shape
 * @throws whatever else the codec throws
 */
export async function decodeEach(
  codec: Pick<EventCodec<AccountEvent>, 'decode'>,
  events: readonly RecordedEvent[],
): Promise<readonly (AccountEvent | Error)[]> {
  try {
    return await codec.decode(events);
  } catch (error) {
    if (!isFaultOfEvent(error)) throw error;
    if (events.length === 1) return [error];
  }
  const facts: (AccountEvent | Error)[] = [];
  for (const event of events) facts.push(...(await decodeEach(codec, [event])));
  return facts;
}

/** The event itself cannot be read, whatever keys there are. */
export function isFaultOfEvent(error: unknown): error is Error {
  return error instanceof UnknownAccountEvent || error instanceof MalformedAccountEvent;
}
