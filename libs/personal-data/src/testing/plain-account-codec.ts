import { accountEventTypes } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import { UnknownEvent } from '@app/event-store';
import type { EventCodec, EventReader, RecordedEvent, RequestClient } from '@app/event-store';

/** Account events stored as they are, without encryption: for specs only. */
export const plainAccountCodec: EventCodec<AccountEvent> &
  EventReader<AccountEvent> & {
    clientsOf(events: readonly RecordedEvent[]): Promise<(RequestClient | undefined)[]>;
  } = {
  encode: async (_, events, { client } = {}) =>
    events.map(({ type, data }) => ({
      type,
      schemaVersion: 1,
      data,
      ...(client && { client }),
    })),
  decode: async (events) =>
    events.map((event) => {
      assertKnown(event);
      return { type: event.type, data: event.data } as AccountEvent;
    }),
  assertKnown,
  clientsOf: async (events) =>
    events.map(({ metadata }) => metadata.client as RequestClient | undefined),
};

function assertKnown({ type, metadata: { schemaVersion } }: RecordedEvent): void {
  const isKnown = schemaVersion === 1 && accountEventTypes.some((known) => known === type);
  if (!isKnown) throw new UnknownEvent(type, schemaVersion);
}
