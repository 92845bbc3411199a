import { fromStored, personalFields } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import type { EventCodec } from '@app/event-store';

const personalFieldsByType: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(personalFields),
);

/**
 * Account events with nothing in place of every personal field: for rows that hold no personal data. Needs
 * no keys, costs no decryption, and reads the history of whoever was erased.
 */
export const anonymousAccountCodec: Pick<EventCodec<AccountEvent>, 'decode'> = {
  decode: async (events) =>
    events.map(({ type, data, metadata }) => {
      const hidden = (personalFieldsByType.get(type) ?? []).map((field) => [field, ''] as const);
      return fromStored({
        type,
        schemaVersion: metadata.schemaVersion,
        data: { ...(data as object), ...Object.fromEntries(hidden) },
      });
    }),
};
