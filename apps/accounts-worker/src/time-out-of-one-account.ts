import { EventStoreUnavailable } from '@app/event-store';
import type { EventStore } from '@app/event-store';
import { DatabaseUnavailable } from '@app/postgres';
import type { Database } from '@app/postgres';

/**
 * Whether work on one account ran out of time at a server that answers: the next account may fare better.
 *
 * @throws EventStoreUnavailable, DatabaseUnavailable the server does not answer, and no account can be worked on
 */
export async function isTimeOutOfOneAccount(
  error: unknown,
  { store, database }: { readonly store: EventStore; readonly database: Database },
): Promise<boolean> {
  if (error instanceof EventStoreUnavailable) await store.checkAvailable();
  else if (error instanceof DatabaseUnavailable) await database.checkAvailable();
  else return false;
  return true;
}
