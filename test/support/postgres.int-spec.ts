import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { eventually } from './eventually.js';
import type { FreshDatabase } from './postgres.js';
import { emptyDatabase, freshDatabase } from './postgres.js';

const TABLES = `SELECT 1 FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;

describe('databases for specs', () => {
  let one: FreshDatabase;
  let other: FreshDatabase;

  beforeAll(async () => {
    [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
  });
  afterAll(async () => {
    await Promise.all([one.drop(), other.drop()]);
  });

  it('are apart from each other', async () => {
    await query(one.url, 'CREATE TABLE only_here (id int)');
    await expect(query(other.url, 'SELECT * FROM only_here')).rejects.toThrow(/does not exist/);
  });

  it('come with all migrations applied, or empty on request', async () => {
    expect((await query(other.url, TABLES)).length).toBeGreaterThan(0);
    const empty = await emptyDatabase();
    expect(await query(empty.url, TABLES)).toEqual([]);
    await empty.drop();
  });

  it('are gone after a drop, even while a client is connected', async () => {
    const dropped = await emptyDatabase();
    const idle = new Client({ connectionString: dropped.url });
    const faults: string[] = [];
    idle.on('error', (error) => faults.push(error.message));
    await idle.connect();
    await dropped.drop();
    await eventually(() => expect(faults.join()).toMatch(/terminat/));
    await expect(query(dropped.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
  });
});

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows as unknown[];
  } finally {
    await client.end();
  }
}
