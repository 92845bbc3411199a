import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRing } from '@app/account-secrets';
import { accountStreamName } from '@app/accounts';
import type { AccountEvent } from '@app/accounts';
import {
  accountErased,
  accountRegistered,
  codeIssued,
  noon,
  registeredAnew,
} from '@app/accounts/testing/account-examples.js';
import { AccountEventCodec, AccountKeyMissing, AccountKeys } from '@app/personal-data';
import {
  ProjectionRebuild,
  accountsProjection,
  accountsTable,
  runProjection,
} from '@app/read-model';
import type { Database } from '@app/read-model';
import { createPool } from '@app/read-model/postgres.js';
import { exampleAccountId } from '@app/read-model/testing/account-lives.js';
import { InMemoryEventStore } from '@app/event-store/testing/in-memory-event-store.js';
import { eventually } from '../support/eventually.js';
import { freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';

const ACCOUNTS = 2_000;
const ERASED = ACCOUNTS / 100;
const WRITERS = 8;

describe(`${ACCOUNTS} accounts, of which ${ERASED} were erased`, () => {
  const ring = KeyRing.parse(`k1:${randomBytes(32).toString('base64')}`, 'PERSONAL_DATA_KEYS');
  const store = new InMemoryEventStore();
  let fresh: FreshDatabase;
  let database: Database;
  let keys: AccountKeys;

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = createPool(fresh.url, {
      max: WRITERS,
      applicationName: 'spec',
      statementTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
    });
    keys = new AccountKeys(database, ring);
    let next = 0;
    const writer = async () => {
      for (let number = next++; number < ACCOUNTS; number = next++) {
        await record(number, accountRegistered(noon + number), codeIssued(1, noon + number));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  async function record(number: number, ...facts: AccountEvent[]): Promise<void> {
    const stream = accountStreamName(exampleAccountId(number));
    for (const fact of await new AccountEventCodec(keys).encode(stream, facts)) {
      await store.record(stream, fact);
    }
  }

  /** By somebody who remembers no keys. */
  async function rebuild() {
    const begun = await ProjectionRebuild.begin({
      projection: accountsTable,
      store,
      codec: new AccountEventCodec(new AccountKeys(database, ring)),
      database,
      startedBy: 'spec',
      switchWhenDifferent: false,
      signal: new AbortController().signal,
    });
    return begun.run();
  }

  it('are projected and rebuilt to the same rows', async () => {
    for (let number = 0; number < ERASED; number++) {
      await record(number, accountErased(noon + ACCOUNTS));
      // Some before the projection has seen them, some after; half of the addresses are taken again.
      if (number % 4 === 0) await keys.destroy(exampleAccountId(number), 1);
      if (number % 2 === 0) await record(number, registeredAnew(noon + ACCOUNTS + number));
    }
    const stopping = new AbortController();
    const faults: unknown[] = [];
    let caughtUp = false;
    const running = runProjection({
      projection: accountsProjection,
      store,
      codec: new AccountEventCodec(keys),
      database,
      signal: stopping.signal,
      observer: {
        onSubscribed: () => undefined,
        onCaughtUp: () => (caughtUp = true),
        onAdvanced: () => undefined,
        onFault: (error) => faults.push(error),
      },
    });
    await eventually(() => expect(caughtUp).toBe(true), { within: 30_000 });
    stopping.abort();
    await running;
    expect(faults).toEqual([]);
    for (let number = 0; number < ERASED; number++) {
      await keys.destroy(exampleAccountId(number), 1);
    }
    const outcome = await rebuild();
    expect(outcome).toMatchObject({ state: 'switched', before: { rows: BigInt(ACCOUNTS) } });
    expect(outcome.after).toEqual(outcome.before);
    const { rows } = await database.query<{ status: string; accounts: bigint; known: bigint }>({
      text: `select status, count(*) as accounts, count(address) as known
             from read_model.accounts group by status order by status`,
    });
    expect(rows).toEqual([
      { status: 'erased', accounts: BigInt(ERASED / 2), known: 0n },
      {
        status: 'pending',
        accounts: BigInt(ACCOUNTS - ERASED / 2),
        known: BigInt(ACCOUNTS - ERASED / 2),
      },
    ]);
  }, 60_000);

  it('are not rebuilt past a key that was lost, and the account is named', async () => {
    const lost = exampleAccountId(ACCOUNTS - 1);
    await database.query({
      text: 'delete from personal_data.account_keys where account_id = $1',
      values: [lost],
    });
    await expect(rebuild()).rejects.toThrow(new AccountKeyMissing(lost).message);
    const { rows } = await database.query<{ accounts: bigint }>({
      text: 'select count(*) as accounts from read_model.accounts',
    });
    expect(rows).toEqual([{ accounts: BigInt(ACCOUNTS) }]);
  }, 30_000);
});
