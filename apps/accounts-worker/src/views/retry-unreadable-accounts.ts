import type { AccountEvent } from '@app/accounts';
import { accountStreamName } from '@app/accounts';
import type { EventReader, EventStore, RecordedEvent } from '@app/event-store';
import { concernsOneAccount } from '@app/personal-data';
import { accountsProjection, listUnreadableAccounts, retryUnreadableAccount } from '@app/views';
import { factsOf, liveTable } from '@app/consumers';
import type { Database } from '@app/postgres';
import type { Log } from '@app/process';
import { isTimeOutOfOneAccount } from '../time-out-of-one-account.js';

/**
 * Looks whether accounts that could not be read can be read now: their keys were put back, the configuration was
 * mended, or an operator gave them up. The row of each of those is built anew.
 *
 * @returns how many still cannot be read
 * @throws EventStoreUnavailable, DatabaseUnavailable
 */
export async function retryUnreadableAccounts(options: {
  readonly store: EventStore;
  /** Reads everything or throws. */
  readonly codec: EventReader<AccountEvent>;
  readonly database: Database;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<number> {
  const { store, codec, database, log, signal } = options;
  let unreadable = 0;
  for (const accountId of await listUnreadableAccounts(database)) {
    if (signal.aborted) break;
    try {
      const events: RecordedEvent[] = [];
      for await (const event of store.readStream(accountStreamName(accountId))) events.push(event);
      const history = await factsOf(codec, accountsProjection, events);
      await database.inTransaction((transaction) =>
        retryUnreadableAccount(transaction, accountId, (upTo) =>
          accountsProjection.write(
            transaction,
            liveTable(accountsProjection),
            history.filter(({ position }) => position <= upTo),
          ),
        ),
      );
      log.info({ accountId }, 'an account can be read again');
    } catch (error) {
      if (!concernsOneAccount(error) && !(await isTimeOutOfOneAccount(error, options))) throw error;
      unreadable += 1;
    }
  }
  return unreadable;
}
