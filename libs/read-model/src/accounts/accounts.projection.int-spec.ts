import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { evolve, initialState, isErased, isRegistered } from '@app/accounts';
import type { Account, AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountErased,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  noon,
  registeredAnew,
  registrationLapsed,
  registrationRefused,
  registrationRenewed,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import fc from 'fast-check';
import { freshDatabase } from '../../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../../test/support/postgres.js';
import type { Database } from '../database.js';
import { createPool } from '../postgres.js';
import { projectAccountEvent } from './accounts.projection.js';
import { findListedAccount, pageOfAccounts } from './accounts.pages.js';
import { findCredentials } from './accounts.queries.js';

describe('accounts in PostgreSQL', () => {
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
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  /** Stores the history, `times` times each event, and returns the id of the account. */
  async function projected(history: readonly AccountEvent[], times = 1): Promise<string> {
    const accountId = randomUUID();
    for (const [index, event] of history.entries()) {
      const revision = BigInt(index);
      const statement = projectAccountEvent({ accountId, revision, position: revision, event });
      for (let time = 0; statement && time < times; time += 1) await database.query(statement);
    }
    return accountId;
  }

  const pending = {
    address: ada.address,
    status: 'pending',
    registeredAt: new Date(noon),
    activatedAt: undefined,
  };

  it('are not there before they are registered', async () => {
    const nobody = randomUUID();
    expect(await findCredentials(database, nobody)).toBeUndefined();
  });

  it.each(['İlknur@example.org', 'ΟΔΥΣΣΕΥΣ@example.org', 'STRAẞE@example.org'])(
    'are found by the beginning of %s, which PostgreSQL lower-cases, not this Node',
    async (address) => {
      const registered = accountRegistered();
      const accountId = await projected([{ ...registered, data: { ...registered.data, address } }]);
      const page = await pageOfAccounts(database, {
        status: undefined,
        accountId: undefined,
        addressPrefix: address.slice(0, address.indexOf('@')),
        registeredFrom: undefined,
        registeredTo: undefined,
        order: 'asc',
        limit: 10,
        after: undefined,
      });
      expect(page.map((account) => account.accountId)).toEqual([accountId]);
    },
  );

  it('are pending after registration', async () => {
    const accountId = await projected([accountRegistered()]);
    expect(await findCredentials(database, accountId)).toEqual({
      accountId,
      ...pending,
      passwordHash: ada.passwordHash,
      registrationNumber: 1,
    });
  });

  it('have the newest password after a renewal', async () => {
    const accountId = await projected([accountRegistered(), registrationRenewed(noon + SECOND)]);
    expect(await findCredentials(database, accountId)).toEqual({
      accountId,
      ...pending,
      passwordHash: ada.newPasswordHash,
      registrationNumber: 2,
    });
  });

  it('are active after activation', async () => {
    const accountId = await projected(activeAccount);
    expect(await findCredentials(database, accountId)).toMatchObject({
      accountId,
      ...pending,
      status: 'active',
      activatedAt: new Date(noon + 10 * SECOND),
    });
  });

  it('keep a row without the person once they were forgotten, until the address is registered anew', async () => {
    for (const [status, forgotten] of [
      ['lapsed', [accountRegistered(), registrationLapsed(noon)]],
      ['erased', [...activeAccount, accountErased(noon)]],
    ] as const) {
      const accountId = await projected(forgotten, 2);
      expect(await findCredentials(database, accountId)).toBeUndefined();
      expect(await findListedAccount(database, accountId)).toEqual({
        accountId,
        address: undefined,
        status,
        registeredAt: new Date(noon),
        activatedAt: undefined,
      });
    }
    const again = await projected([
      ...activeAccount,
      accountErased(noon),
      registeredAnew(noon + 1),
    ]);
    expect(await findCredentials(database, again)).toEqual({
      accountId: again,
      ...pending,
      registeredAt: new Date(noon + 1),
      passwordHash: ada.newPasswordHash,
      registrationNumber: 2,
    });
  });

  it('do not change when a whole history is stored again', async () => {
    const history = [accountRegistered(), registrationRenewed(noon), accountActivated(1, noon)];
    const accountId = await projected(history);
    const before = await findCredentials(database, accountId);
    for (const [index, event] of history.entries()) {
      const revision = BigInt(index);
      const statement = projectAccountEvent({ accountId, revision, position: revision, event });
      if (!statement) throw new Error('every one of these events has a statement');
      expect((await database.query(statement)).rowCount).toBe(0);
    }
    expect(await findCredentials(database, accountId)).toEqual(before);
  });

  it('equal what the account itself remembers, after any history and any repetition', async () => {
    const event = fc.constantFrom<AccountEvent>(
      accountRegistered(),
      registrationRenewed(noon + SECOND),
      registrationRefused(noon),
      codeIssued(1),
      codeSent(1),
      codeUndeliverable(1, noon),
      activationRefused(1, 'incorrect', noon),
      accountActivated(1, noon + 2 * SECOND),
      registrationLapsed(noon),
      accountErased(noon),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (history, times) => {
          const accountId = await projected(history, times);
          const row = await findCredentials(database, accountId);
          expect(row).toEqual(remembered(accountId, history.reduce(evolve, initialState)));
        },
      ),
      { numRuns: 150 },
    );
  });
});

function remembered(accountId: string, account: Account) {
  if (!isRegistered(account) || isErased(account.address)) return undefined;
  return {
    accountId,
    address: account.address,
    status: account.status,
    passwordHash: account.passwordHash,
    registrationNumber: account.registrationNumber,
    registeredAt: new Date(account.registeredAt),
    activatedAt: account.status === 'active' ? new Date(account.activatedAt) : undefined,
  };
}
