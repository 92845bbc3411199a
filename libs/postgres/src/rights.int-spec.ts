import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../test/support/eventually.js';
import { emptyDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { connected, giveLogins } from '../../../test/support/postgres-logins.js';
import type { LoginsOfDatabase } from '../../../test/support/postgres-logins.js';
import { StatementRefused } from './database.js';
import type { Database } from './database.js';
import { grantRights } from './grant-rights.js';
import { migrate } from './migrate.js';
import { createPool } from './postgres.js';
import { RightsMissing, databaseRoles, requireRights } from './rights.js';
import type { DatabaseRole } from './rights.js';
import { requireSchema } from './schema.js';

/** S, I, U and D of each process; in lower case what it may do with some columns only. */
const MATRIX: Readonly<Record<string, readonly [api: string, worker: string, admin: string]>> = {
  'migrations.applied': ['S', 'S', 'S'],
  'operations.admin_keys': ['', '', 'SIU'],
  'operations.failed_events': ['', 'SIUD', 'SU'],
  'operations.leases': ['', 'SIU', ''],
  'operations.pairing': ['S', 'SIU', 'S'],
  'operations.projection_reports': ['', 'SIU', 'S'],
  'operations.rebuilds': ['', '', 'SIU'],
  'operations.secret_sentinels': ['SI', 'SI', 'SI'],
  'operations.unreadable_accounts': ['', 'SIUD', 'SIU'],
  'personal_data.account_keys': ['Siu', 'SIUD', 'SiuD'],
  'personal_data.account_snapshots': ['SIU', 'SIUD', 'SD'],
  'read_model.accounts': ['', 'SIUD', 'S'],
  'read_model.activation_mails': ['', 'SIU', 'S'],
  'read_model.audit': ['', 'SI', 'S'],
  'read_model.checkpoints': ['S', 'SIU', 'Su'],
  'read_model.statistics': ['', 'SIU', 'S'],
  'read_model_definition.accounts': ['', '', ''],
  'throttling.buckets': ['SIUD', '', 'SD'],
};
const REFUSED = '42501';

describe('the rights of each process in PostgreSQL', () => {
  let fresh: FreshDatabase;
  let given: LoginsOfDatabase;
  const pools = new Map<string, Database>();

  const as = (role: DatabaseRole | 'owner') => pools.get(role) as Database;

  beforeAll(async () => {
    fresh = await emptyDatabase();
    given = await giveLogins(fresh.url);
    for (const [role, url] of Object.entries(given.urls)) {
      pools.set(
        role,
        createPool(url, {
          max: 1,
          applicationName: 'spec',
          statementTimeoutMs: 10_000,
          allowUnconfirmed: true,
        }),
      );
    }
    await as('owner').query({ text: `select read_model_rebuild.keep_definition('accounts')` });
  });
  afterAll(async () => {
    for (const pool of pools.values()) await pool.close();
    await fresh.drop();
  });

  async function isAllowed(role: DatabaseRole, text: string): Promise<boolean> {
    try {
      await as(role).query({ text });
      return true;
    } catch (error) {
      if (error instanceof StatementRefused && error.sqlState === REFUSED) return false;
      throw error;
    }
  }

  /** What a login may do with a table, by doing it to no row; with the whole of it, or with a column. */
  async function tried(role: DatabaseRole, table: string): Promise<string> {
    const { rows } = await as('owner').query<{ name: string }>({
      text: `select attname as name from pg_attribute
             where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      values: [table],
    });
    const columns = rows.map(({ name }) => name);
    const insert = (names: readonly string[]) =>
      `insert into ${table} (${names.join(', ')}) select ${names.join(', ')} from (select null::${table} as of) as none, lateral (select (of).*) as row where false`;
    const update = (names: readonly string[]) =>
      `update ${table} set ${names.map((name) => `${name} = null`).join(', ')} where false`;
    const inAll = async (letter: string, statement: (names: readonly string[]) => string) => {
      if (await isAllowed(role, statement(columns))) return letter;
      for (const name of columns) {
        if (await isAllowed(role, statement([name]))) return letter.toLowerCase();
      }
      return '';
    };
    return [
      (await isAllowed(role, `select * from ${table} where false`)) ? 'S' : '',
      await inAll('I', insert),
      await inAll('U', update),
      (await isAllowed(role, `delete from ${table} where false`)) ? 'D' : '',
    ].join('');
  }

  it('are these, on every table there is', async () => {
    const { rows } = await as('owner').query<{ name: string }>({
      text: `select nspname || '.' || relname as name from pg_class
               join pg_namespace on pg_namespace.oid = relnamespace
             where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema') order by 1`,
    });
    const found: Record<string, readonly string[]> = {};
    for (const { name } of rows) {
      found[name] = await Promise.all(databaseRoles.map((role) => tried(role, name)));
    }
    expect(found).toEqual(MATRIX);
  });

  it.each(databaseRoles)(
    'let %s empty, alter, drop or make no table, and become no other',
    async (role) => {
      for (const text of [
        'truncate throttling.buckets',
        'alter table read_model.accounts add column more text',
        'create table read_model.mine (id int)',
        'create schema mine',
        'create temporary table mine (id int)',
        'create role mine',
        `set role ${given.logins.owner}`,
        `set session authorization ${given.logins.owner}`,
      ]) {
        expect([text, await isAllowed(role, text)]).toEqual([text, false]);
      }
      await expect(as(role).query({ text: 'drop table read_model.accounts' })).rejects.toThrow(
        /must be owner/,
      );
    },
  );

  it('are enough for each process to start', async () => {
    for (const role of databaseRoles) {
      await requireRights(as(role), role);
      await requireSchema(as(role));
    }
  });

  it('never let the API make an admin key, nor put in a password hash', async () => {
    const attempts = [
      `insert into operations.admin_keys (key_id, secret_sha256, label, scopes, origin, created_by)
       values ('k', decode(repeat('00', 32), 'hex'), 'l', '{keys:manage}', 'configuration', 'thief')`,
      `update operations.admin_keys set revoked_at = null`,
      `update read_model.accounts set claims = '[]'`,
      `insert into read_model.accounts (account_id, registration_number, status, registered_at, revision, position, claims)
       values (gen_random_uuid(), 1, 'pending', now(), 0, 0, '[]')`,
      `select read_model.blank_account(gen_random_uuid(), 1)`,
      `select read_model_rebuild.create_table('accounts')`,
      `select read_model_rebuild.switch_table('accounts')`,
      `update personal_data.account_keys set wrapped_key = '\\x00'`,
      `delete from personal_data.account_keys`,
      `update personal_data.account_keys set destroyed_at = now(), wrapped_key = null`,
    ];
    for (const text of attempts) {
      expect([text, await isAllowed('api', text)]).toEqual([text, false]);
    }
  });

  it('let the API have one account by its id, and list none', async () => {
    const account = '00000000-0000-8000-8000-000000000001';
    await as('owner').query({
      text: `insert into read_model.accounts (account_id, address, claims, registration_number, status,
               registered_at, revision, position)
             values ($1, 'ada@example.org', '[]', 1, 'pending', now(), 0, 0)`,
      values: [account],
    });
    const { rows } = await as('api').query({
      text: 'select address from read_model.credentials_of($1, $2)',
      values: [account, `account-${account}`],
    });
    expect(rows).toEqual([{ address: 'ada@example.org' }]);
    for (const text of [
      'select address from read_model.accounts',
      'select claims from read_model.accounts',
      'copy read_model.accounts to stdout',
    ]) {
      expect([text, await isAllowed('api', text)]).toEqual([text, false]);
    }
    await as('owner').query({ text: 'delete from read_model.accounts' });
  });

  it('let only the admin API build rows anew, in a table of a projection', async () => {
    const admin = as('admin');
    await admin.query({ text: `select read_model_rebuild.create_table('accounts')` });
    expect(await tried('admin', 'read_model_rebuild.accounts')).toBe('SIUD');
    await admin.query({ text: `select read_model_rebuild.index_table('accounts')` });
    await admin.query({ text: `select read_model_rebuild.switch_table('accounts')` });
    const rights = await Promise.all(
      databaseRoles.map((role) => tried(role, 'read_model.accounts')),
    );
    expect(rights).toEqual(MATRIX['read_model.accounts']);
    await expect(
      admin.query({ text: `select read_model_rebuild.create_table('checkpoints')` }),
    ).rejects.toThrow(StatementRefused);
    await expect(
      admin.query({ text: `select read_model_rebuild.create_table('accounts; drop schema x')` }),
    ).rejects.toThrow(StatementRefused);
    expect(await isAllowed('worker', `select read_model_rebuild.drop_table('accounts')`)).toBe(
      false,
    );
  });

  it('let the worker cut the connections of the others', async () => {
    const own = createPool(given.urls.api, {
      max: 1,
      applicationName: 'accounts-api',
      statementTimeoutMs: 10_000,
      allowUnconfirmed: true,
    });
    const { rows: before } = await own.query<{ pid: number }>({
      text: 'select pg_backend_pid() as pid',
    });
    await as('worker').query({ text: 'select operations.cut_connections()' });
    await eventually(async () => {
      const { rows: after } = await own.query<{ pid: number }>({
        text: 'select pg_backend_pid() as pid',
      });
      expect(after).not.toEqual(before);
    });
    await own.close();
  });

  it('are granted anew by each migrate, and what else was granted is taken', async () => {
    const owner = as('owner');
    const { api } = given.logins;
    await owner.query({ text: `revoke insert on throttling.buckets from ${api}` });
    await expect(requireRights(as('api'), 'api')).rejects.toThrow(
      new RightsMissing('api', api, 'INSERT on throttling.buckets'),
    );
    await owner.query({ text: `revoke all on schema migrations from ${api}` });
    await expect(requireRights(as('api'), 'api')).rejects.toThrow(
      `lacks USAGE on migrations: run migrate with DATABASE_ROLE_API=${api}`,
    );
    await owner.query({ text: `grant all on operations.admin_keys to ${api}` });
    await migrate(given.urls.owner);
    await grantRights(owner, given.logins);
    await requireRights(as('api'), 'api');
    expect(await tried('api', 'operations.admin_keys')).toBe('');
  });

  it('are granted to no login that would have more', async () => {
    const { logins } = given;
    const grant = (changes: Partial<typeof logins>) =>
      grantRights(as('owner'), { ...logins, ...changes });
    await expect(grant({ api: 'no_such_login' })).rejects.toThrow(
      'DATABASE_ROLE_API names no_such_login, which does not exist: run registration database prepare',
    );
    await expect(grant({ worker: 'postgres' })).rejects.toThrow('is a superuser');
    await expect(grant({ admin: logins.owner })).rejects.toThrow('owns the tables');
    await expect(grant({ admin: logins.api })).rejects.toThrow('is the login of another process');
    await expect(
      connected(fresh.url, (database) => grantRights(database, { ...logins, api: logins.worker })),
    ).rejects.toThrow('is the login of another process');
  });
});
