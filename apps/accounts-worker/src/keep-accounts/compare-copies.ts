import { EventStoreUnavailable, backoffMs, pauseUnlessAborted } from '@app/event-store';
import type { EventStore } from '@app/event-store';
import type { AccountKeys } from '@app/personal-data';
import {
  LogDoesNotMatch,
  ReadModelUnavailable,
  checkLog,
  confirmDatabase,
  isConfirmed,
  refuseDatabase,
} from '@app/read-model';
import type { Database } from '@app/read-model';
import type { Log } from '@app/service';
import { forgetRecordedPersons } from '../forget-person/forget-recorded-persons.js';

export interface CopiesOptions {
  readonly store: EventStore;
  readonly database: Database;
  readonly keys: AccountKeys;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * What has to be true before this worker works, because either database may have been restored from a copy: the
 * log holds what this database was built from, the keys of accounts can be unwrapped, and nobody is readable
 * whose erasure the log knows. Waits as long as one of the two cannot be reached.
 *
 * @throws LogDoesNotMatch after telling every other process
 * @throws KeyEncryptionKeyWrong
 */
export async function compareCopies(options: CopiesOptions): Promise<void> {
  const { store, database, keys, log, signal } = options;
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      await checkLog(store, database);
      await keys.requireKeyEncryptionKey();
      const forgotten = await forgetRecordedPersons(options);
      if (forgotten > 0)
        log.info({ forgotten }, 'persons were forgotten whose erasure is on record');
      return;
    } catch (error) {
      if (error instanceof LogDoesNotMatch) await refuseDatabase(database, error.message);
      if (!isTransient(error)) throw error;
      const retryInMs = backoffMs(failures);
      log.warn({ err: error, retryInMs }, 'the databases cannot be compared for now');
      await pauseUnlessAborted(retryInMs, signal);
    }
  }
}

/**
 * Lets every process work with this database once the accounts show all of the log; at once where it was compared
 * before.
 *
 * @param accountsComplete resolves when the rows show everything that was recorded
 */
export async function confirmWhenComplete(
  { database, log, signal }: Pick<CopiesOptions, 'database' | 'log' | 'signal'>,
  accountsComplete: Promise<void>,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      if (await isConfirmed(database)) return;
      await accountsComplete;
      if (signal.aborted) return;
      await confirmDatabase(database);
      log.info('the database was compared with the event log and may be used');
      return;
    } catch (error) {
      if (!isTransient(error)) throw error;
      await pauseUnlessAborted(backoffMs(failures), signal);
    }
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof EventStoreUnavailable || error instanceof ReadModelUnavailable;
}
