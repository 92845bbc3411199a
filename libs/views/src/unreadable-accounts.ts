import type { LogPosition, StreamRevision } from '@app/event-store';
import { accountsProjection } from './accounts/accounts.projection.js';
import { lockCheckpoint } from '@app/consumers';
import { recordOf } from '@app/postgres';
import type { ColumnsOf, Queryable } from '@app/postgres';

/**
 * An account whose events cannot be read, although its person was not forgotten: from one revision on, until its person
 * is forgotten, nothing personal is known of it.
 */
export interface UnreadableAccount {
  readonly accountId: string;
  readonly fromRevision: StreamRevision;
  /** Where it was erased, or lapsed: later events are about another person. */
  readonly forgottenRevision: StreamRevision | undefined;
}

/** Notes that an account cannot be read from this revision on. Doing it again changes nothing. */
export async function recordUnreadableAccount(
  database: Queryable,
  account: {
    readonly accountId: string;
    readonly fromRevision: StreamRevision;
    /** Names the fault, without personal data. */
    readonly error: string;
    readonly consumer: string;
  },
): Promise<void> {
  await database.query({
    name: 'record-unreadable-account',
    text: `insert into operations.unreadable_accounts (account_id, from_revision, error, consumer)
           values ($1, $2, $3, $4) on conflict (account_id, from_revision) do nothing`,
    values: [account.accountId, account.fromRevision, account.error, account.consumer],
  });
}

/** Everything that is known of accounts that cannot, or could not, be read. */
export async function findUnreadableAccounts(
  database: Queryable,
): Promise<readonly UnreadableAccount[]> {
  const { rows } = await database.query<ColumnsOf<UnreadableAccount>>({
    name: 'find-unreadable-accounts',
    text: `select account_id, from_revision, forgotten_revision
           from operations.unreadable_accounts order by account_id, from_revision`,
  });
  return rows.map(recordOf<UnreadableAccount>);
}

/** The person was forgotten at this revision: there is nothing left to be read. */
export async function recordForgotten(
  database: Queryable,
  accountId: string,
  revision: StreamRevision,
): Promise<void> {
  await database.query({
    name: 'record-unreadable-account-forgotten',
    text: `update operations.unreadable_accounts set forgotten_revision = $2
           where account_id = $1 and from_revision < $2 and forgotten_revision is null`,
    values: [accountId, revision],
  });
}

/** Ids of the accounts that cannot be read now. */
export async function listUnreadableAccounts(database: Queryable): Promise<readonly string[]> {
  const { rows } = await database.query<{ account_id: string }>({
    text: `select distinct account_id from operations.unreadable_accounts
           where forgotten_revision is null order by account_id`,
  });
  return rows.map((row) => row.account_id);
}

/**
 * Builds one account's row anew and forgets that it could not be read.
 *
 * @param transaction of its own: it holds back the projection of the accounts
 * @param write writes the row from what happened up to the position
 */
export async function retryUnreadableAccount(
  transaction: Queryable,
  accountId: string,
  write: (upTo: LogPosition) => Promise<void>,
): Promise<void> {
  const checkpoint = await lockCheckpoint(transaction, accountsProjection.name);
  await transaction.query({
    text: 'delete from operations.unreadable_accounts where account_id = $1',
    values: [accountId],
  });
  if (checkpoint === 'start') return;
  await transaction.query({
    text: 'delete from read_model.accounts where account_id = $1',
    values: [accountId],
  });
  await write(checkpoint);
}

/**
 * Treats the keys of all accounts that cannot be read because their key is missing as destroyed: what they had
 * sealed is read as erased from now on. Cannot be taken back. An account whose key is there is left alone.
 *
 * @returns ids of these accounts
 */
export async function giveUpLostKeys(database: Queryable): Promise<readonly string[]> {
  const { rows } = await database.query<{ account_id: string }>({
    text: `insert into personal_data.account_keys (account_id, generation, destroyed_at)
           select account_id, greatest(max(account.registration_number), 1), now()
           from operations.unreadable_accounts as unreadable
             left join read_model.accounts as account using (account_id)
           where unreadable.forgotten_revision is null and not exists (
             select from personal_data.account_keys as stored
             where stored.account_id = unreadable.account_id and stored.destroyed_at is null)
           group by account_id
           on conflict (account_id, generation) do nothing
           returning account_id`,
  });
  return rows.map((row) => row.account_id);
}
