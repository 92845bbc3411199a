import { fromStoredHiding } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { EventCodec } from '@app/event-store';

/**
 * Account events with nothing in place of every personal field: for rows that hold no personal data. Needs
 * no keys, costs no decryption, and reads the history of an erased account.
 */
export const anonymousAccountCodec: Pick<EventCodec<AccountEvent>, 'decode'> = {
  decode: async (events) =>
    events.map(({ type, data, metadata: { schemaVersion } }) =>
      fromStoredHiding({ type, schemaVersion, data }, ''),
    ),
};
