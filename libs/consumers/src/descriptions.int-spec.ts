import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../../test/support/open-database.js';
import { AsideTable } from './rebuild/aside-table.js';
import type { Database } from '@app/postgres';

const OURS = `nspname !~ '^pg_' and nspname not in ('information_schema', 'public', 'migrations')`;

describe('The database describes', () => {
  let database: Database;

  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(() => database.close());

  async function namesOf(text: string): Promise<string[]> {
    const { rows } = await database.query<{ name: string }>({ text });
    return rows.map(({ name }) => name);
  }

  const columns = (condition: string) =>
    namesOf(`select nspname || '.' || relname || '.' || attname as name
             from pg_attribute
               join pg_class on pg_class.oid = attrelid
               join pg_namespace on pg_namespace.oid = relnamespace
             where ${OURS} and relkind in ('r', 'v', 'm', 'p') and attnum > 0 and not attisdropped
               and ${condition} order by 1`);

  it('each of its schemas and tables', async () => {
    const schemas = await namesOf(`select nspname as name from pg_namespace
      where ${OURS} and coalesce(obj_description(oid, 'pg_namespace'), '') = ''`);
    const tables = await namesOf(`select nspname || '.' || relname as name
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where ${OURS} and relkind in ('r', 'v', 'm', 'p')
        and coalesce(obj_description(pg_class.oid, 'pg_class'), '') = ''`);
    expect([...schemas, ...tables]).toEqual([]);
  });

  it('each column', async () => {
    expect(await columns('true')).toContain('personal_data.account_keys.destroyed_at');
    expect(await columns(`coalesce(col_description(attrelid, attnum), '') = ''`)).toEqual([]);
  });

  it('a table that was built anew as well', async () => {
    const aside = new AsideTable({ table: 'accounts' });
    await aside.create(database);
    expect(await columns(`col_description(attrelid, attnum) is null`)).toEqual([]);
    await aside.drop(database);
  });

  it('which columns hold personal data: addresses, claims and what names their networks', async () => {
    expect(await columns(`col_description(attrelid, attnum) like 'Personal data.%'`)).toEqual([
      'read_model.accounts.address',
      'read_model.accounts.claims',
      'read_model.accounts.network_key',
    ]);
  });
});
