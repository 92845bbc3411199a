import { EventStoreUnavailable, backoffMs, pauseUnlessAborted } from '@app/event-store';
import type { EventStore } from '@app/event-store';
import type { AccountKeys } from '@app/personal-data';
import {
  LogDoesNotMatch,
  checkLog,
  confirmDatabase,
  isConfirmed,
  isLed,
  refuseDatabase,
} from '@app/consumers';
import { DatabaseUnavailable } from '@app/postgres';
import { accountsProjection } from '@app/views';
import type { Database } from '@app/postgres';
import type { Log } from '@app/process';
import { forgetRecordedPersons } from '../forget-person/forget-recorded-persons.js';

const CONFIRM_INTERVAL_MS = 250;
/** A confirmed database rarely loses its confirmation. */
const LOOK_AGAIN_INTERVAL_MS = 2_000;

export interface CopiesOptions {
  readonly store: EventStore;
  readonly database: Database;
  readonly keys: AccountKeys;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * What has to be true before this worker works, because either database may have been restored from a copy: the
 * log holds what this database was built from, the keys of accounts can be unwrapped, and no person is readable
 * whose erasure the log records. Waits as long as one of the two cannot be reached.
 *
 * @throws LogDoesNotMatch after refusing the database to every process. It is not refused while another worker
 *   leads its projection: then this worker has the wrong log
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
      if (error instanceof LogDoesNotMatch && !(await isLed(database, accountsProjection.name))) {
        await refuseDatabase(database, error.message);
      }
      const isTransient =
        error instanceof EventStoreUnavailable || error instanceof DatabaseUnavailable;
      if (!isTransient) throw error;
      const retryInMs = backoffMs(failures);
      log.warn({ err: error, retryInMs }, 'the databases cannot be compared for now');
      await pauseUnlessAborted(retryInMs, signal);
    }
  }
}

/**
 * Lets every process work with this database as soon as the accounts show all of the log, and again after each
 * restore from a copy. Ends with the signal.
 *
 * @param isComplete whether this worker keeps the accounts, and they show everything that was recorded
 */
export async function keepConfirmed(
  options: CopiesOptions,
  isComplete: () => boolean,
): Promise<void> {
  const { store, database, log, signal } = options;
  while (!signal.aborted) {
    let isDone = false;
    try {
      isDone = await isConfirmed(database);
      if (!isDone && isComplete()) {
        await checkLog(store, database);
        await forgetRecordedPersons(options);
        await confirmDatabase(database);
        log.info('the database was compared with the event log and may be used');
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'the database is not confirmed for now');
    }
    await pauseUnlessAborted(isDone ? LOOK_AGAIN_INTERVAL_MS : CONFIRM_INTERVAL_MS, signal);
  }
}
