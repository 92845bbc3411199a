import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountRegistered,
  noon,
} from '@app/accounts/testing/account-examples.js';
import { eventually } from '../../../../test/support/eventually.js';
import { freshDatabase } from '../../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../../test/support/postgres.js';
import type { Database, Queryable } from '../database.js';
import { createPool } from '../postgres.js';
import { liveTable } from '../projection.js';
import type { ProjectedEvent } from '../projection.js';
import { exampleAccountId } from '../testing/account-lives.js';
import { blankAccount } from './accounts.queries.js';
import { accountsTable } from './accounts.table.js';

/** More than are written one by one. */
const ACCOUNTS = 40;
const forgotten = exampleAccountId(7);

describe('accounts written many at a time', () => {
  let fresh: FreshDatabase;
  let database: Database;

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: 4,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
  });
  beforeEach(async () => {
    await database.query({ text: 'truncate read_model.accounts' });
    await accountsTable.write(database, liveTable(accountsTable), everyAccount(0n));
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  function everyAccount(revision: bigint): ProjectedEvent<AccountEvent>[] {
    return Array.from({ length: ACCOUNTS }, (_, number) => ({
      streamName: accountStreamName(exampleAccountId(number)),
      revision,
      position: revision * 1_000n + BigInt(number),
      event: revision === 0n ? accountRegistered(noon) : accountActivated(1, noon),
    }));
  }

  async function rowOf(accountId: string): Promise<unknown> {
    const { rows } = await database.query({
      text: 'select address, password_hash, status from read_model.accounts where account_id = $1',
      values: [accountId],
    });
    return rows[0];
  }

  async function isLocked(): Promise<boolean> {
    const { rowCount } = await database.query({
      text: `select from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'`,
    });
    return rowCount === 1;
  }

  it('do not bring back whoever is forgotten while they are written', async () => {
    let blanked: Promise<void> | undefined;
    let isBlanked = false;
    await database.inTransaction(async (transaction) => {
      const withForgettingInBetween: Queryable = {
        query: async (statement) => {
          if (statement.text.startsWith('insert')) {
            blanked = blankAccount(database, forgotten, 1).then(() => void (isBlanked = true));
            await eventually(async () => expect(isBlanked || (await isLocked())).toBe(true));
          }
          return transaction.query(statement);
        },
      };
      await accountsTable.write(
        withForgettingInBetween,
        liveTable(accountsTable),
        everyAccount(1n),
      );
    });
    await blanked;
    expect(await rowOf(forgotten)).toEqual({
      address: null,
      password_hash: null,
      status: 'active',
    });
  });

  it('do not bring back whoever was forgotten before', async () => {
    await blankAccount(database, forgotten, 1);
    await accountsTable.write(database, liveTable(accountsTable), everyAccount(1n));
    expect(await rowOf(forgotten)).toMatchObject({ address: null, password_hash: null });
    expect(await rowOf(exampleAccountId(8))).toMatchObject({ status: 'active' });
  });
});
