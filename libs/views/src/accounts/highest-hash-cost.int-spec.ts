import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '@app/postgres';
import { openDatabase } from '../../../../test/support/open-database.js';
import { findHighestHashCost } from './accounts.queries.js';

/** What a caller may try for an address must count for nothing. */
const LIKE_A_HASH = '"passwordHash":"v2$p1$2b$15$"@example.org';

describe('The highest cost of the password hashes', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());

  /** With a claim for each hash; without any for a forgotten person. */
  async function account(...passwordHashes: readonly string[]): Promise<string> {
    const accountId = randomUUID();
    const claims = passwordHashes.map((passwordHash, index) => ({
      number: index + 1,
      network: '',
      address: LIKE_A_HASH,
      passwordHash,
    }));
    await database.query({
      text: `insert into read_model.accounts
               (account_id, address, claims, registration_number, status, registered_at, revision, position)
             values ($1, 'ada@example.org', $2, 1, 'pending', now(), 0, 0)`,
      values: [accountId, claims.length === 0 ? null : JSON.stringify(claims)],
    });
    return accountId;
  }

  it('is that of the dearest hash of either format that can be compared', async () => {
    expect(await findHighestHashCost(database)).toBeUndefined();
    await account();
    expect(await findHighestHashCost(database)).toBeUndefined();
    for (const [hash, highest] of [
      ['v1$p1$2b$04$first', 4],
      ['v2$p-2$2b$12$second', 12],
      ['v2$p1$2b$10$third', 12],
      ['v2$p1$2b$31$would-take-days', 12],
      ['not a hash', 12],
    ] as const) {
      await account('v1$p1$2b$04$elder', hash);
      expect(await findHighestHashCost(database)).toBe(highest);
    }
    const dearest = await account('v1$p1$2b$15$dearest');
    expect(await findHighestHashCost(database)).toBe(15);
    await database.query({
      text: 'update read_model.accounts set claims = null where account_id = $1',
      values: [dearest],
    });
    expect(await findHighestHashCost(database)).toBe(12);
  });

  it('is read from one end of an index, however many accounts there are', async () => {
    await database.query({
      text: `insert into read_model.accounts
               (account_id, address, claims, registration_number, status, registered_at, revision, position)
             select gen_random_uuid(), 'some@example.org', $1, 1, 'pending', now(), 0, 0
             from generate_series(1, 5000)`,
      values: [JSON.stringify([{ passwordHash: 'v2$p1$2b$12$some' }])],
    });
    await database.query({ text: 'analyze read_model.accounts' });
    expect(await findHighestHashCost(database)).toBe(12);
    const { rows: functions } = await database.query<{ body: string }>({
      text: `select prosrc as body from pg_proc where oid = 'read_model.highest_cost_in_use()'::regprocedure`,
    });
    const { rows } = await database.query<{ 'QUERY PLAN': string }>({
      text: `explain ${functions[0]?.body}`,
    });
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('accounts_by_hash_cost');
    expect(plan).not.toContain('Seq Scan');
  });
});
