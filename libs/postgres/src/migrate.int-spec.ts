import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PG_MIGRATE_LOCK_ID } from 'node-pg-migrate';
import { eventually } from '../../../test/support/eventually.js';
import { emptyDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { DatabaseUnavailable } from './database.js';
import { migrate } from './migrate.js';
import { createPool } from './postgres.js';

describe('migrations', () => {
  let fresh: FreshDatabase;

  beforeEach(async () => {
    fresh = await emptyDatabase();
  });
  afterEach(() => fresh.drop());

  it('are applied in order, each once', async () => {
    const files = await readdir(fileURLToPath(new URL('./migrations', import.meta.url)));
    expect(await migrate(fresh.url)).toEqual(
      files.sort().map((file) => file.replace(/\.sql$/, '')),
    );
    expect(await migrate(fresh.url)).toEqual([]);
  });

  it('are applied once when several processes start at the same time', async () => {
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(fresh.url)));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
  });

  it('make the tables that the product keeps', async () => {
    await migrate(fresh.url);
    const database = createPool(fresh.url, {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
    const { rows } = await database.query({
      text: `select table_schema || '.' || table_name as name from information_schema.tables
             where table_schema in ('read_model', 'personal_data', 'operations') order by 1`,
    });
    await database.close();
    expect(rows).toEqual(
      expect.arrayContaining([
        { name: 'personal_data.account_keys' },
        { name: 'read_model.accounts' },
        { name: 'read_model.checkpoints' },
      ]),
    );
  });

  it('report a connection that is cut half-way, and can be applied afterwards', async () => {
    const database = createPool(fresh.url, {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
    const otherMigration = await database.openSession('other migration');
    await otherMigration.query({ text: `select pg_advisory_lock(${PG_MIGRATE_LOCK_ID})` });
    const waiting = expect(migrate(fresh.url)).rejects.toThrow(DatabaseUnavailable);
    await eventually(async () => {
      const { rowCount } = await database.query({
        text: `select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and application_name = 'migrate'
                 and wait_event_type = 'Lock'`,
      });
      expect(rowCount).toBe(1);
    });
    await waiting;
    await otherMigration.close();
    await database.close();
    expect(await migrate(fresh.url)).not.toEqual([]);
  });

  it('report a server that cannot be reached', async () => {
    await expect(migrate('postgres://nobody@127.0.0.1:1/none')).rejects.toThrow(
      DatabaseUnavailable,
    );
  });
});
