import { assertKnownAccountEvent, fromStoredHiding } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { EventReader, RecordedEvent } from '@app/event-store';

/**
 * Account events with nothing in place of every personal field: for rows that hold no personal data. Needs
 * no keys, costs no decryption, and reads the history of an erased account.
 */
export const anonymousAccountCodec: EventReader<AccountEvent> = {
  decode: async (events) =>
    events.map(({ type, data, metadata: { schemaVersion } }) =>
      fromStoredHiding({ type, schemaVersion, data }, ''),
    ),
  assertKnown: assertKnownEvent,
};

/** @throws UnknownAccountEvent */
export function assertKnownEvent({ type, metadata: { schemaVersion } }: RecordedEvent): void {
  assertKnownAccountEvent({ type, schemaVersion });
}
