import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyRing, UnknownKey } from '@app/account-secrets';
import { DatabaseUnavailable } from '@app/postgres';
import type { Database, Queryable, Statement } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { freshDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import {
  AccountKeyDestroyed,
  AccountKeyUnreadable,
  AccountKeys,
  KeyEncryptionKeyWrong,
} from './account-keys.js';

const secretOfK1 = randomBytes(32);
const k1 = ring(`k1:${secretOfK1.toString('base64')}`);

describe('Keys of accounts', () => {
  let fresh: FreshDatabase;
  let database: Database;

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = connect();
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  function connect(): Database {
    return createPool(fresh.url, { max: 10, applicationName: 'spec', statementTimeoutMs: 5_000 });
  }

  it('are made once per account and stay the same for everybody', async () => {
    const [ada, grace] = [randomUUID(), randomUUID()];
    const keyOfAda = await new AccountKeys(database, k1).obtain(ada);
    const keyOfGrace = await new AccountKeys(database, k1).obtain(grace);
    expect(keyOfAda).toHaveLength(32);
    expect(keyOfGrace.equals(keyOfAda)).toBe(false);
    const others = new AccountKeys(database, k1);
    expect((await others.obtain(ada)).equals(keyOfAda)).toBe(true);
    const found = await others.find([grace, ada]);
    expect([...found.keys()].sort()).toEqual([ada, grace].sort());
    expect(found.get(ada)?.equals(keyOfAda)).toBe(true);
    expect(found.get(grace)?.equals(keyOfGrace)).toBe(true);
  });

  it('ask once whether the key of the configuration unwraps, however many are made at a time, and again after a failure', async () => {
    let proofs = 0;
    let isDown = true;
    const keys = new AccountKeys(
      {
        query: async (statement) => {
          if (statement.name === 'find-keys-of-key-encryption-key') {
            proofs += 1;
            if (isDown) throw new DatabaseUnavailable('down');
          }
          return database.query(statement);
        },
      },
      k1,
    );
    const obtained = () =>
      Promise.allSettled(Array.from({ length: 20 }, () => keys.obtain(randomUUID())));
    expect((await obtained()).map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
    expect(proofs).toBe(1);
    isDown = false;
    expect((await obtained()).map(({ status }) => status)).toEqual(Array(20).fill('fulfilled'));
    expect(proofs).toBe(2);
  });

  describe('of an account that may be new', () => {
    const statements: (string | undefined)[] = [];
    const counted: Queryable = {
      query: (statement) => {
        statements.push(statement.name);
        return database.query(statement);
      },
    };

    async function seenServer(position = 1_000n) {
      const { server = '' } = await new AccountKeys(database, k1).begin(randomUUID(), undefined);
      await database.query({
        text: `insert into read_model.checkpoints (consumer, position, updated_at) values ('accounts', 1000, now())
               on conflict do nothing`,
      });
      return { server, position };
    }

    const isKnown = async (accountId: string) =>
      (await new AccountKeys(database, k1).find([accountId])).size === 1;

    it('are made, and kept, by one statement', async () => {
      const seen = await seenServer();
      const accountId = randomUUID();
      const keys = new AccountKeys(counted, k1);
      await keys.requireKeyEncryptionKey();
      statements.length = 0;
      expect(await keys.begin(accountId, seen)).toEqual({ isNew: true, server: seen.server });
      const key = await keys.obtain(accountId);
      expect(statements).toEqual(['begin-accounts']);
      const found = await new AccountKeys(database, k1).find([accountId]);
      expect(found.get(accountId)?.equals(key)).toBe(true);
    });

    it('are fetched by the same statement when there are some', async () => {
      const seen = await seenServer();
      const accountId = randomUUID();
      const key = await new AccountKeys(database, k1).obtain(accountId, 2);
      const keys = new AccountKeys(counted, k1);
      await keys.requireKeyEncryptionKey();
      statements.length = 0;
      expect(await keys.begin(accountId, seen)).toEqual({ isNew: false, server: seen.server });
      const keyId = `${accountId}/2`;
      expect((await keys.find([keyId])).get(keyId)?.equals(key)).toBe(true);
      expect(statements).toEqual(['begin-accounts']);
    });

    it('are known as destroyed by the same statement', async () => {
      const seen = await seenServer();
      const accountId = randomUUID();
      await new AccountKeys(database, k1).destroy(accountId, 2);
      const keys = new AccountKeys(counted, k1);
      await keys.requireKeyEncryptionKey();
      statements.length = 0;
      expect(await keys.begin(accountId, seen)).toEqual({ isNew: false, server: seen.server });
      const [first, second, third] = [accountId, `${accountId}/2`, `${accountId}/3`];
      expect((await keys.find([first, second])).size).toBe(0);
      expect(await keys.findDestroyed([first, second])).toEqual(new Set([first, second]));
      expect(statements).toEqual(['begin-accounts']);
      expect(await keys.findDestroyed([second, third])).toEqual(new Set([second]));
      await keys.obtain(accountId, 3);
      expect((await keys.find([third])).size).toBe(1);
    });

    it('are made by few statements for many calls at a time, each with its own answer', async () => {
      const seen = await seenServer();
      const keys = new AccountKeys(counted, k1);
      await keys.requireKeyEncryptionKey();
      const known = randomUUID();
      await new AccountKeys(database, k1).obtain(known);
      const accountIds = [...Array.from({ length: 20 }, () => randomUUID()), known];
      statements.length = 0;
      const begun = await Promise.all(
        [...accountIds, ...accountIds].map((accountId) => keys.begin(accountId, seen)),
      );
      expect(statements.length).toBeLessThan(6);
      const isNew = (accountId: string) =>
        begun.filter((one, index) => one.isNew && accountIds[index % 21] === accountId).length;
      expect(accountIds.map(isNew)).toEqual([...Array(20).fill(1), 0]);
      expect((await new AccountKeys(database, k1).find(accountIds)).size).toBe(21);
    });

    it('are made once, by whichever process is first', async () => {
      const seen = await seenServer();
      const accountId = randomUUID();
      const replicas = Array.from({ length: 10 }, () => new AccountKeys(database, k1));
      const begun = await Promise.all(replicas.map((keys) => keys.begin(accountId, seen)));
      expect(begun.filter(({ isNew }) => isNew)).toHaveLength(1);
      const found = await Promise.all(replicas.map((keys) => keys.obtain(accountId)));
      expect(new Set(found.map((key) => key.toString('hex'))).size).toBe(1);
    });

    it.each([
      ['another server is in use than was seen', { server: 'another' }, undefined],
      ['the rows do not go as far as the log did', { position: 1_001n }, undefined],
      [
        'there is a row',
        {},
        `insert into read_model.accounts (account_id, registration_number, status, registered_at, revision, position)
         values ($1, 1, 'erased', now(), 0, 0)`,
      ],
      [
        'it has an event that cannot be read',
        {},
        `insert into operations.unreadable_accounts (account_id, from_revision, error, consumer)
         values ($1, 0, 'AccountKeyMissing', 'accounts')`,
      ],
      [
        'it has an event that fails',
        {},
        `insert into operations.failed_events (projection, position, event_id, stream_name, revision, type, error, next_try_at)
         values ('accounts', 1, gen_random_uuid(), 'account-' || $1, 0, 'AccountRegistered', 'unknown', now())`,
      ],
      [
        'its key was destroyed',
        {},
        `insert into personal_data.account_keys (account_id, destroyed_at) values ($1, now())`,
      ],
    ])('are not made when %s', async (_, change, text) => {
      const seen = { ...(await seenServer()), ...change };
      const accountId = randomUUID();
      if (text !== undefined) await database.query({ text, values: [accountId] });
      const keys = new AccountKeys(database, k1);
      expect(await keys.begin(accountId, seen)).toMatchObject({ isNew: false });
      expect(await isKnown(accountId)).toBe(false);
    });

    it('are not made while nothing is known of the server, nor without the rows', async () => {
      const accountId = randomUUID();
      const seen = await seenServer();
      const keys = new AccountKeys(database, k1);
      expect(await keys.begin(accountId, undefined)).toMatchObject({ isNew: false });
      await database.query({ text: 'alter table read_model.accounts rename to away' });
      expect(await keys.begin(accountId, seen)).toEqual({ isNew: false });
      await database.query({ text: 'alter table read_model.away rename to accounts' });
      expect(await isKnown(accountId)).toBe(false);
      expect(await keys.begin(accountId, seen)).toMatchObject({ isNew: true });
    });
  });

  it('are looked up once by consumers that need one at the same moment, and again when it was not there', async () => {
    const accountId = randomUUID();
    let lookUps = 0;
    let answers: Promise<void> = Promise.resolve();
    const counting: Queryable = {
      query: async <Row>(statement: Statement) => {
        if (statement.name === 'find-account-keys') lookUps += 1;
        const result = await database.query<Row>(statement);
        await answers;
        return result;
      },
    };
    const keys = new AccountKeys(counting, k1);
    let answer: () => void = () => undefined;
    answers = new Promise((resolve) => (answer = resolve));
    const before = keys.find([accountId]);
    await new AccountKeys(database, k1).obtain(accountId);
    const after = Promise.all([keys.find([accountId]), keys.find([accountId])]);
    answer();
    expect((await before).size).toBe(0);
    for (const found of await after) expect(found.size).toBe(1);
    const asked = lookUps;
    const others = new AccountKeys(counting, k1);
    await Promise.all([others.find([accountId]), others.find([accountId])]);
    expect(lookUps - asked).toBe(1);
  });

  it('are wrapped anew, by several processes at a time, until the key before is not needed', async () => {
    const own = await freshDatabase();
    const replicas = [1, 2].map((replica) =>
      createPool(own.url, {
        max: 5,
        applicationName: `replica ${replica}`,
        statementTimeoutMs: 5_000,
      }),
    );
    try {
      const newest = `k2:${randomBytes(32).toString('base64')}`;
      const both = ring(`${newest},k1:${secretOfK1.toString('base64')}`);
      const ids = Array.from({ length: 1_100 }, () => randomUUID());
      const [one, other] = replicas as [Database, Database];
      const before = new AccountKeys(one, k1);
      const keys = await Promise.all(ids.map((accountId) => before.obtain(accountId)));
      const signal = new AbortController().signal;
      await Promise.all(
        replicas.map((replica) => new AccountKeys(replica, both).rewrapAll(signal)),
      );
      const { rows } = await one.query<{ key_encryption_key_id: string; keys: bigint }>({
        text: `select key_encryption_key_id, count(*) as keys from personal_data.account_keys group by 1`,
      });
      expect(rows).toEqual([{ key_encryption_key_id: 'k2', keys: 1_100n }]);
      const found = await new AccountKeys(other, ring(newest)).find(ids);
      expect(ids.every((id, index) => found.get(id)?.equals(keys[index] as Buffer))).toBe(true);
      expect(await new AccountKeys(other, ring(newest)).rewrapAll(signal)).toBe(0);
    } finally {
      await Promise.all(replicas.map((replica) => replica.close()));
      await own.drop();
    }
  });

  it('are all wrapped anew but the one that is damaged, which is named', async () => {
    const own = await freshDatabase();
    const ownDatabase = createPool(own.url, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
    try {
      const both = ring(
        `k2:${randomBytes(32).toString('base64')},k1:${secretOfK1.toString('base64')}`,
      );
      const ids = Array.from({ length: 5 }, () => randomUUID());
      const before = new AccountKeys(ownDatabase, k1);
      for (const accountId of ids) await before.obtain(accountId);
      const damaged = ids[2] ?? '';
      await ownDatabase.query({
        text: `update personal_data.account_keys set wrapped_key = '\\x0102' where account_id = $1`,
        values: [damaged],
      });
      const signal = new AbortController().signal;
      await expect(new AccountKeys(ownDatabase, both).rewrapAll(signal)).rejects.toThrow(
        new AccountKeyUnreadable(damaged, 'k1').message,
      );
      const { rows } = await ownDatabase.query<{ account_id: string }>({
        text: `select account_id from personal_data.account_keys where key_encryption_key_id = 'k1'`,
      });
      expect(rows).toEqual([{ account_id: damaged }]);
      // A current key that is not what it was would lose whatever is wrapped with it.
      const wrong = ring(
        `k2:${randomBytes(32).toString('base64')},k1:${secretOfK1.toString('base64')}`,
      );
      await expect(new AccountKeys(ownDatabase, wrong).rewrapAll(signal)).rejects.toThrow(
        KeyEncryptionKeyWrong,
      );
    } finally {
      await ownDatabase.close();
      await own.drop();
    }
  });

  it('stay as they are when their key is not there to unwrap them', async () => {
    const accountId = randomUUID();
    await new AccountKeys(database, k1).obtain(accountId);
    const stranger = new AccountKeys(database, ring(`k9:${randomBytes(32).toString('base64')}`));
    await expect(stranger.rewrapAll(new AbortController().signal)).rejects.toThrow(UnknownKey);
    expect(await new AccountKeys(database, k1).obtain(accountId)).toHaveLength(32);
  });

  it('can be wrapped by a longer key than the cipher takes', async () => {
    const longKey = ring(`long:${randomBytes(48).toString('base64')}`);
    const accountId = randomUUID();
    const key = await new AccountKeys(database, longKey).obtain(accountId);
    const again = await new AccountKeys(database, longKey).obtain(accountId);
    expect(again.equals(key)).toBe(true);
  });

  it('are the same for all who make one at a time, over two pools', async () => {
    const otherDatabase = connect();
    try {
      for (let round = 0; round < 20; round++) {
        const accountId = randomUUID();
        const obtained = await Promise.all(
          Array.from({ length: 12 }, (_, number) =>
            new AccountKeys(number % 2 === 0 ? database : otherDatabase, k1).obtain(accountId),
          ),
        );
        expect(new Set(obtained.map((key) => key.toString('hex'))).size).toBe(1);
        expect(await rowsOf(accountId)).toHaveLength(1);
      }
    } finally {
      await otherDatabase.close();
    }
  });

  it('are not made by looking for them', async () => {
    const accountId = randomUUID();
    const keys = new AccountKeys(database, k1);
    expect((await keys.find([accountId])).size).toBe(0);
    expect((await keys.find([])).size).toBe(0);
    expect(await rowsOf(accountId)).toEqual([]);
  });

  it('are stored only wrapped', async () => {
    const accountId = randomUUID();
    const key = await new AccountKeys(database, k1).obtain(accountId);
    const [row] = await rowsOf(accountId);
    expect(row?.key_encryption_key_id).toBe('k1');
    expect(row?.wrapped_key.includes(key)).toBe(false);
    expect(row?.wrapped_key.includes(secretOfK1)).toBe(false);
  });

  it('stay readable when another key-encryption key was put in front', async () => {
    const accountId = randomUUID();
    const key = await new AccountKeys(database, k1).obtain(accountId);
    const rotated = ring(
      `k2:${randomBytes(32).toString('base64')},k1:${secretOfK1.toString('base64')}`,
    );
    const keys = new AccountKeys(database, rotated);
    expect((await keys.obtain(accountId)).equals(key)).toBe(true);
    const later = randomUUID();
    await keys.obtain(later);
    expect((await rowsOf(later))[0]?.key_encryption_key_id).toBe('k2');
  });

  it('cannot be unwrapped with another key-encryption key of the same name', async () => {
    const accountId = randomUUID();
    await new AccountKeys(database, k1).obtain(accountId);
    const other = ring(`k1:${randomBytes(32).toString('base64')}`);
    const expected = new AccountKeyUnreadable(accountId, 'k1');
    await expect(new AccountKeys(database, other).find([accountId])).rejects.toThrow(expected);
    await expect(new AccountKeys(database, other).obtain(accountId)).rejects.toThrow(
      new KeyEncryptionKeyWrong('k1').message,
    );
    expect(expected.message).toContain(accountId);
    expect(expected.message).toContain('PERSONAL_DATA_KEYS');
  });

  it('cannot be read without the key-encryption key they name', async () => {
    const accountId = randomUUID();
    await new AccountKeys(database, k1).obtain(accountId);
    const without = ring(`k9:${randomBytes(32).toString('base64')}`);
    await expect(new AccountKeys(database, without).find([accountId])).rejects.toThrow(
      new UnknownKey('PERSONAL_DATA_KEYS', 'k1'),
    );
  });

  it('cannot be used for another account', async () => {
    const [ada, eve] = [randomUUID(), randomUUID()];
    await new AccountKeys(database, k1).obtain(ada);
    await database.query({
      text: `insert into personal_data.account_keys (account_id, wrapped_key, key_encryption_key_id)
             select $2, wrapped_key, key_encryption_key_id
             from personal_data.account_keys where account_id = $1`,
      values: [ada, eve],
    });
    await expect(new AccountKeys(database, k1).find([eve])).rejects.toThrow(AccountKeyUnreadable);
  });

  it('are asked for once and remembered', async () => {
    const counted = new CountingDatabase(database);
    const keys = new AccountKeys(counted, k1);
    const [ada, grace] = [randomUUID(), randomUUID()];
    const key = await keys.obtain(ada);
    await new AccountKeys(database, k1).obtain(grace);
    counted.statements.length = 0;
    expect((await keys.obtain(ada)).equals(key)).toBe(true);
    await keys.find([ada]);
    expect(counted.statements).toEqual([]);
    await keys.obtain(randomUUID());
    expect(counted.statements.splice(0).map(({ name }) => name)).toEqual(['add-account-key']);
    expect((await keys.find([ada, grace])).size).toBe(2);
    expect(counted.statements.map(({ values }) => values)).toEqual([[[grace]]]);
  });

  it('are remembered without what lies beside them in memory', async () => {
    const maker = new AccountKeys(database, k1);
    const accountId = randomUUID();
    await maker.obtain(accountId);
    const reader = new AccountKeys(database, k1);
    await reader.find([accountId]);
    for (const keys of [maker, reader]) {
      const remembered = (await keys.find([accountId])).get(accountId);
      expect(remembered?.buffer.byteLength).toBe(32);
    }
  });

  it('are destroyed for good, for one person and not the next', async () => {
    const accountId = randomUUID();
    const keys = new AccountKeys(database, k1);
    const first = await keys.obtain(accountId);
    await keys.destroy(accountId, 2);
    await keys.destroy(accountId, 2);
    const third = await keys.obtain(accountId, 3);
    expect(third.equals(first)).toBe(false);
    const ids = [accountId, `${accountId}/2`, `${accountId}/3`];
    for (const reader of [keys, new AccountKeys(database, k1)]) {
      expect([...(await reader.find(ids)).keys()]).toEqual([`${accountId}/3`]);
      expect([...(await reader.findDestroyed(ids))]).toEqual(ids.slice(0, 2));
    }
    expect((await new AccountKeys(database, k1).obtain(accountId, 3)).equals(third)).toBe(true);
    await expect(keys.obtain(accountId, 2)).rejects.toThrow(new AccountKeyDestroyed(accountId));
    const kept = await rowsOf(accountId);
    expect(kept.map((row) => row.wrapped_key === null)).toEqual([true, false]);
  });

  it('that were never there are not taken for destroyed', async () => {
    const accountId = randomUUID();
    const keys = new AccountKeys(database, k1);
    await keys.obtain(accountId);
    await database.query({
      text: 'delete from personal_data.account_keys where account_id = $1',
      values: [accountId],
    });
    expect((await new AccountKeys(database, k1).findDestroyed([accountId])).size).toBe(0);
  });

  it('that another process destroyed are remembered for a minute at most', async () => {
    const accountId = randomUUID();
    let now = 0;
    const keys = new AccountKeys(database, k1, () => now);
    await keys.obtain(accountId);
    await new AccountKeys(database, k1).destroy(accountId, 1);
    now = 60_000;
    expect((await keys.find([accountId])).size).toBe(0);
    expect((await keys.findDestroyed([accountId])).size).toBe(1);
  });

  it('of every generation are wrapped anew, and what was destroyed stays so', async () => {
    const own = await freshDatabase();
    const ownDatabase = createPool(own.url, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
    try {
      const newest = `k2:${randomBytes(32).toString('base64')}`;
      const both = ring(`${newest},k1:${secretOfK1.toString('base64')}`);
      const accountId = randomUUID();
      const keys = new AccountKeys(ownDatabase, k1);
      await keys.destroy(accountId, 1);
      const second = await keys.obtain(accountId, 2);
      const fourth = await keys.obtain(accountId, 4);
      const { signal } = new AbortController();
      expect(await new AccountKeys(ownDatabase, both).rewrapAll(signal)).toBe(2);
      const rewrapped = new AccountKeys(ownDatabase, ring(newest));
      const found = await rewrapped.find([`${accountId}/2`, `${accountId}/4`]);
      expect(found.get(`${accountId}/2`)?.equals(second)).toBe(true);
      expect(found.get(`${accountId}/4`)?.equals(fourth)).toBe(true);
      expect((await rewrapped.findDestroyed([accountId])).size).toBe(1);
    } finally {
      await ownDatabase.close();
      await own.drop();
    }
  });

  it('are found when they were made after a look-up in vain', async () => {
    const accountId = randomUUID();
    const keys = new AccountKeys(database, k1);
    await keys.find([accountId]);
    const key = await new AccountKeys(database, k1).obtain(accountId);
    expect((await keys.find([accountId])).get(accountId)?.equals(key)).toBe(true);
  });

  it('cannot be had while the database is away, and are not replaced by others', async () => {
    const away = createPool('postgres://nobody@127.0.0.1:1/nothing', {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 500,
    });
    const keys = new AccountKeys(away, k1);
    await expect(keys.obtain(randomUUID())).rejects.toThrow(DatabaseUnavailable);
    await expect(keys.find([randomUUID()])).rejects.toThrow(DatabaseUnavailable);
    await away.close();
  });

  async function rowsOf(accountId: string) {
    const { rows } = await database.query<{ wrapped_key: Buffer; key_encryption_key_id: string }>({
      text: 'select * from personal_data.account_keys where account_id = $1',
      values: [accountId],
    });
    return rows;
  }
});

class CountingDatabase implements Queryable {
  readonly statements: Statement[] = [];

  constructor(private readonly database: Queryable) {}

  query<Row = never>(statement: Statement) {
    this.statements.push(statement);
    return this.database.query<Row>(statement);
  }
}

function ring(text: string): KeyRing {
  return KeyRing.parse(text, 'PERSONAL_DATA_KEYS');
}
