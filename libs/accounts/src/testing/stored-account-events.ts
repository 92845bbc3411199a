import { accountEventDefinitions, type AccountEvent } from '../account-events.js';
import { fromStored, type StoredAccountEvent } from '../account-event-serde.js';

/** Every stored sample, beside the fact it is read as. */
export const storedAccountEvents: readonly {
  readonly stored: StoredAccountEvent;
  readonly event: AccountEvent;
  /** Written by an earlier program: still read, no longer written. */
  readonly isOutdated: boolean;
}[] = accountEventDefinitions.flatMap(([type, { schemaVersion, samples, outdatedSamples = [] }]) =>
  [...samples, ...outdatedSamples].map((data) => {
    const stored = { type, schemaVersion, data };
    return { stored, event: fromStored(stored), isOutdated: outdatedSamples.includes(data) };
  }),
);
