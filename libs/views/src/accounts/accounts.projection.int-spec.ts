import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  accountStreamName,
  erased,
  evolve,
  initialState,
  addressOf,
  isRegistered,
  networkKeyOf,
} from '@app/accounts';
import type { Account, AccountEvent } from '@app/accounts';
import {
  accountActivated,
  accountErased,
  accountFreed,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  noon,
  passwordHashUpgraded,
  registeredAnew,
  registrationLapsed,
  registrationRefused,
  registrationRenewed,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import fc from 'fast-check';
import { eventually } from '../../../../test/support/eventually.js';
import { openDatabase } from '../../../../test/support/open-database.js';
import type { Database, Queryable } from '@app/postgres';
import { liveTable } from '@app/consumers';
import type { ProjectedEvent } from '@app/consumers';
import { findListedAccount, pageOfAccounts } from './accounts.pages.js';
import { accountsProjection } from './accounts.projection.js';
import { credentialsOf } from '../testing/credentials-of.js';
import { blankAccount } from './accounts.queries.js';

describe('accounts in PostgreSQL', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());

  function written(fact: ProjectedEvent<AccountEvent>, by: Queryable = database): Promise<void> {
    return accountsProjection.write(by, liveTable(accountsProjection), [fact]);
  }

  /** Stores the history, `times` times each event, and returns the id of the account. */
  async function projected(history: readonly AccountEvent[], times = 1): Promise<string> {
    const accountId = randomUUID();
    for (const [index, event] of history.entries()) {
      const revision = BigInt(index);
      const fact = {
        streamName: accountStreamName(accountId),
        revision,
        position: revision,
        event,
      };
      for (let time = 0; time < times; time += 1) await written(fact);
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
    expect(await credentialsOf(database, nobody)).toBeUndefined();
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
    expect(await credentialsOf(database, accountId)).toEqual({
      accountId,
      ...pending,
      networkKey: ada.networkKey,
      claims: [claimNumbered(1, ada.passwordHash)],
    });
  });

  it('have the newest password of a network after a renewal', async () => {
    const accountId = await projected([accountRegistered(), registrationRenewed(noon + SECOND)]);
    expect(await credentialsOf(database, accountId)).toEqual({
      accountId,
      ...pending,
      networkKey: ada.networkKey,
      claims: [claimNumbered(2, ada.newPasswordHash)],
    });
  });

  it('have the claims of ten networks, the newest last, and only the proven one once they are active', async () => {
    const claims = Array.from({ length: 11 }, (_, index) =>
      registrationRenewed(noon + index, {
        network: `n${index}`,
        address: `ADA${index}@example.org`,
      }),
    );
    const accountId = await projected([accountRegistered(), ...claims]);
    const found = await credentialsOf(database, accountId);
    expect(found?.claims.map(({ number }) => number)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(found?.address).toBe('ADA10@example.org');
    const activated = await projected([
      accountRegistered(),
      ...claims,
      codeIssued(),
      accountActivated(1, noon, 5),
    ]);
    expect(await credentialsOf(database, activated)).toMatchObject({
      status: 'active',
      address: 'ADA3@example.org',
      networkKey: undefined,
      claims: [{ number: 5, network: 'n3', address: 'ADA3@example.org' }],
    });
  });

  it('are active after activation', async () => {
    const accountId = await projected(activeAccount);
    expect(await credentialsOf(database, accountId)).toMatchObject({
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
      expect(await credentialsOf(database, accountId)).toBeUndefined();
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
    expect(await credentialsOf(database, again)).toEqual({
      accountId: again,
      ...pending,
      registeredAt: new Date(noon + 1),
      networkKey: ada.networkKey,
      claims: [claimNumbered(2, ada.newPasswordHash)],
    });
  });

  it('show nothing in place of what was erased', async () => {
    const accountId = await projected([
      {
        type: 'AccountRegistered',
        data: {
          ...accountRegistered().data,
          address: erased,
          passwordHash: erased,
          networkKey: erased,
          registrationNumber: 7,
        },
      },
    ]);
    expect(await credentialsOf(database, accountId)).toBeUndefined();
    expect(await findListedAccount(database, accountId)).toMatchObject({
      address: undefined,
      status: 'pending',
    });
  });

  it('are refused from streams that are no account', async () => {
    const streamName = 'account-of-nobody';
    const fact = { streamName, revision: 0n, position: 0n, event: accountRegistered() };
    await expect(written(fact)).rejects.toThrow(RangeError);
  });

  it.each(['meanwhile', 'before'])('do not bring back a person forgotten %s', async (when) => {
    const accountId = await projected([accountRegistered()]);
    const forget = () => blankAccount(database, accountId, 1);
    const activated = {
      streamName: accountStreamName(accountId),
      revision: 1n,
      position: 1n,
      event: accountActivated(1, noon),
    };
    let forgetting: Promise<unknown> = Promise.resolve();
    let isForgotten = false;
    if (when === 'before') await forget();
    await database.inTransaction(async (transaction) => {
      const forgettingInBetween: Queryable = {
        query: async (statement) => {
          if (when === 'meanwhile' && statement.text.startsWith('insert')) {
            forgetting = forget().then(() => (isForgotten = true));
            await eventually(async () => expect(isForgotten || (await isLocked())).toBe(true));
          }
          return transaction.query(statement);
        },
      };
      await written(activated, forgettingInBetween);
    });
    await forgetting;
    expect(await findListedAccount(database, accountId)).toMatchObject({
      address: undefined,
      status: 'active',
    });
    expect(await credentialsOf(database, accountId)).toBeUndefined();
  });

  async function isLocked(): Promise<boolean> {
    const { rowCount } = await database.query({
      text: `select from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'`,
    });
    return rowCount === 1;
  }

  it('equal what the account itself remembers, after any history and any repetition', async () => {
    const event = fc.constantFrom<AccountEvent>(
      accountRegistered(),
      registrationRenewed(noon + SECOND),
      registrationRenewed(noon + SECOND, { network: 'train' }),
      passwordHashUpgraded(noon),
      registrationRefused(noon),
      codeIssued(1),
      codeSent(1),
      codeUndeliverable(1, noon),
      activationRefused(1, 'incorrect', noon),
      accountActivated(1, noon + 2 * SECOND),
      accountActivated(1, noon + 2 * SECOND, 2),
      accountFreed(noon, 1),
      registrationLapsed(noon),
      accountErased(noon),
      registeredAnew(noon + 3 * SECOND),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (history, times) => {
          const accountId = await projected(history, times);
          const row = await credentialsOf(database, accountId);
          expect(row).toEqual(remembered(accountId, history.reduce(evolve, initialState)));
        },
      ),
      { numRuns: 150 },
    );
  });
});

const claimNumbered = (number: number, passwordHash: string) => ({
  number,
  network: ada.network,
  address: ada.address,
  passwordHash,
});

function remembered(accountId: string, account: Account) {
  if (!isRegistered(account)) return undefined;
  const claims = account.status === 'active' ? [account.claim] : account.claims;
  return {
    accountId,
    // A row whose claims were ended keeps the address, so that operators find it.
    address: addressOf(account) ?? (expect.any(String) as unknown),
    status: account.status,
    networkKey: networkKeyOf(account),
    claims: claims.map(({ number, network, address, passwordHash }) => ({
      number,
      network,
      address,
      passwordHash,
    })),
    registeredAt: new Date(account.registeredAt),
    activatedAt: account.status === 'active' ? new Date(account.activatedAt) : undefined,
  };
}
