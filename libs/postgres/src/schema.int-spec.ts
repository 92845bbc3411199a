import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@app/postgres/postgres.js';
import { emptyDatabase, freshDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import type { Database } from './database.js';
import { requireSchema } from './schema.js';

describe('the schema that the processes need', () => {
  let fresh: FreshDatabase;
  let database: Database;

  const connect = (url: string) =>
    createPool(url, {
      max: 1,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
      allowUnconfirmed: true,
    });

  beforeAll(async () => {
    fresh = await freshDatabase();
    database = connect(fresh.url);
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });

  it('is there after the migrations, those of a later version beside it', async () => {
    await requireSchema(database);
    await database.query({
      text: `insert into migrations.applied (name, run_on) values ('9999_of-a-later-version', now())`,
    });
    await requireSchema(database);
  });

  it('lacks a migration that was not applied yet', async () => {
    await database.query({ text: `delete from migrations.applied where name = '0054_leases'` });
    await expect(requireSchema(database)).rejects.toThrow(
      /not that of this version, migration 0054_leases is missing: run migrate$/,
    );
    await database.query({
      text: `insert into migrations.applied (name, run_on) values ('0054_leases', now())`,
    });
  });

  it.each(['read_model.accounts', 'personal_data.account_keys'])(
    'lacks a table that is gone: %s',
    async (table) => {
      const [schema] = table.split('.');
      await database.query({ text: `alter table ${table} rename to elsewhere` });
      await expect(requireSchema(database)).rejects.toThrow(`table ${table} is missing`);
      await database.query({
        text: `alter table ${schema}.elsewhere rename to ${table.slice(table.indexOf('.') + 1)}`,
      });
      await requireSchema(database);
    },
  );

  it('is missing as a whole in an empty database', async () => {
    const empty = await emptyDatabase();
    const bare = connect(empty.url);
    await expect(requireSchema(bare)).rejects.toThrow(
      /no migration was ever applied: run migrate$/,
    );
    await bare.close();
    await empty.drop();
  });
});
