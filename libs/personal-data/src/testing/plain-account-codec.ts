import { accountEventTypes } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import { UnknownEvent } from '@app/event-store';
import type { EventCodec, RecordedEvent, RequestClient } from '@app/event-store';

/** Account events stored as they are, without encryption: for specs only. */
export const plainAccountCodec: EventCodec<AccountEvent> & {
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
    events.map(({ type, data, metadata }) => {
      if (!accountEventTypes.some((known) => known === type))
        throw new UnknownEvent(type, metadata.schemaVersion);
      return { type, data } as AccountEvent;
    }),
  clientsOf: async (events) =>
    events.map(({ metadata }) => metadata.client as RequestClient | undefined),
};
