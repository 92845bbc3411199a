import type { EventStore } from '@app/event-store';
import type { HandledEvent } from './checkpoints.js';
import { recordOf } from '@app/postgres';
import type { ColumnsOf, Database, Queryable } from '@app/postgres';
import { liveTable } from './projection.js';
import type { Projection } from './projection.js';

/**
 * Whether this database and the event log belong together. Each can be restored from a copy without the
 * other; what was handled of one log says nothing about another.
 */

/** The log does not hold what this database was built from: it lost its end, or is another log. */
export class LogDoesNotMatch extends Error {
  constructor(
    readonly consumer: string,
    readonly handled: HandledEvent,
    found: 'nothing' | 'another event',
  ) {
    super(
      `PostgreSQL does not belong to this event log: ${consumer} has handled revision ` +
        `${handled.revision} of ${handled.streamName} at position ${handled.position}, and the log has ` +
        `${found} there. The log lost its end, or is another one. Restore the log that belongs to this ` +
        `database, or a copy of PostgreSQL that is not newer than the log; to go on with the log as it is, ` +
        `run migrate --follow-log (docs/operations.md, Backup and restore)`,
    );
    this.name = 'LogDoesNotMatch';
  }
}

/** Marks of a database that the worker has not compared with the log yet, in place of its identity. */
const RESTORED = 'restored';
const FOLLOWS_LOG = 'follows-log';

/**
 * Looks up the last event that each consumer has handled.
 *
 * @param consumer only this one; all of them when left out
 * @throws LogDoesNotMatch
 * @throws EventStoreUnavailable, DatabaseUnavailable: nothing is known yet
 */
export async function checkLog(
  store: Pick<EventStore, 'readStream'>,
  database: Queryable,
  consumer?: string,
): Promise<void> {
  const { rows } = await database.query<ColumnsOf<HandledEvent> & { readonly consumer: string }>({
    name: 'read-handled-events',
    text: `select consumer, event_id as id, event_stream as stream_name, event_revision as revision,
                  event_position as position
           from read_model.checkpoints
           where event_id is not null and ($1::text is null or consumer = $1)`,
    values: [consumer ?? null],
  });
  for (const { consumer: name, ...row } of rows) {
    const handled = recordOf<HandledEvent>(row);
    const found = await findEvent(store, handled);
    if (found?.id === handled.id && found.position === handled.position) continue;
    throw new LogDoesNotMatch(name, handled, found ? 'another event' : 'nothing');
  }
}

async function findEvent(
  store: Pick<EventStore, 'readStream'>,
  { streamName, revision }: HandledEvent,
): Promise<HandledEvent | undefined> {
  const events = store.readStream(streamName, { fromRevision: revision, maxCount: 1 });
  for await (const event of events) return event;
  return undefined;
}

/**
 * From now on no process works with this database, until it has been confirmed: those that are connected are
 * cut off, and every new connection is answered with the reason. Processes that may work with an unconfirmed
 * database (see PoolOptions) are left alone.
 *
 * @param reason without personal data
 */
export async function refuseDatabase(database: Queryable, reason: string): Promise<void> {
  await database.query({
    text: `insert into operations.pairing (database, refusal)
           values (operations.database_identity(), $1)
           on conflict (only_row) do update set refusal = excluded.refusal, checked_at = now()`,
    values: [reason],
  });
  await cutOthers(database);
}

/** Every new connection asks anew whether it may work; the worker may in any case. */
async function cutOthers(database: Queryable): Promise<void> {
  await database.query({ text: 'select operations.cut_connections()' });
}

/** Whether this very database was compared with the log before, and nothing was found against it. */
export async function isConfirmed(database: Queryable): Promise<boolean> {
  const { rows } = await database.query({
    text: `select 1 from operations.pairing
           where database = operations.database_identity() and refusal is null`,
  });
  return rows.length > 0;
}

/**
 * The worker calls this when it has checked the log and the accounts show all of it: every process may work
 * with this database. After `followLog`, marks of destroyed keys that the log knows nothing of are taken out first,
 * because they would keep the next person from registering.
 */
export async function confirmDatabase(database: Database): Promise<void> {
  await database.inTransaction(async (transaction) => {
    const { rows } = await transaction.query<{ database: string }>({
      text: 'select database from operations.pairing for update',
    });
    if (rows[0]?.database === FOLLOWS_LOG) await forgetUnknownErasures(transaction);
    await markAs(transaction, null);
  });
}

async function forgetUnknownErasures(transaction: Queryable): Promise<void> {
  await transaction.query({
    text: `delete from personal_data.account_keys as stored
           where destroyed_at is not null and not exists (
             select from read_model.accounts as account where account.account_id = stored.account_id)`,
  });
  await transaction.query({
    text: `update personal_data.account_keys as stored
           set generation = account.registration_number
           from read_model.accounts as account
           where account.account_id = stored.account_id and stored.destroyed_at is not null
             and stored.generation > account.registration_number
             and not exists (
               select from personal_data.account_keys as other
               where other.account_id = stored.account_id
                 and other.generation = account.registration_number)`,
  });
}

/**
 * Says that this database was put back from a copy: no process works with it until the worker has compared it
 * with the log and brought it up to date. A dump that is restored into another database says so by itself.
 */
export async function markRestored(database: Queryable): Promise<void> {
  await markAs(database, RESTORED);
  await cutOthers(database);
}

/**
 * Gives up everything that was built from a log that is no more: the rows of the read model, checkpoints, and
 * decisions about single events. The worker builds them again from the log there is. Keys of personal data,
 * destroyed ones included, and keys of operators stay.
 *
 * @param projections all there are
 */
export async function followLog(
  database: Database,
  projections: readonly Pick<Projection<never>, 'table'>[],
): Promise<void> {
  await database.inTransaction(async (transaction) => {
    await transaction.query({
      text: `truncate ${projections.map(liveTable).join(', ')}, read_model.checkpoints, operations.failed_events,
               operations.unreadable_accounts, operations.projection_reports`,
    });
    await markAs(transaction, FOLLOWS_LOG);
  });
  await cutOthers(database);
}

/** @param mark null for a database that was compared */
async function markAs(database: Queryable, mark: string | null): Promise<void> {
  await database.query({
    text: `insert into operations.pairing (database)
           values (coalesce($1, operations.database_identity()))
           on conflict (only_row) do update
             set database = excluded.database, checked_at = now(), refusal = null`,
    values: [mark],
  });
}
