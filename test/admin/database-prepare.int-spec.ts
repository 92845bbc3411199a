import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { grantRights } from '@app/postgres';
import type { PreparedLogins } from '@app/postgres';
import { migrate } from '@app/postgres/migrate.js';
import { createPool } from '@app/postgres/postgres.js';
import { runCommandLine } from '../../apps/accounts-admin/src/command-line/run-command-line.js';
import { emptyDatabase, freshDatabase } from '../support/postgres.js';
import type { FreshDatabase } from '../support/postgres.js';
import { connected, newLogins, newPasswords } from '../support/postgres-logins.js';

describe('registration database prepare', () => {
  const logins = newLogins();
  let fresh: FreshDatabase;

  beforeAll(async () => {
    // Of a version that knew one login: the superuser owns everything.
    fresh = await freshDatabase();
  });
  afterAll(() => fresh.drop());

  const roles = {
    DATABASE_ROLE_OWNER: logins.owner,
    DATABASE_ROLE_API: logins.api,
    DATABASE_ROLE_WORKER: logins.worker,
    DATABASE_ROLE_ADMIN: logins.admin,
  };
  const passwordSettings = (passwords: PreparedLogins) => ({
    DATABASE_PASSWORD_OWNER: passwords.owner,
    DATABASE_PASSWORD_API: passwords.api,
    DATABASE_PASSWORD_WORKER: passwords.worker,
    DATABASE_PASSWORD_ADMIN: passwords.admin,
  });
  const urlOf = (role: keyof PreparedLogins, passwords: PreparedLogins) => {
    const url = new URL(fresh.url);
    url.username = logins[role];
    url.password = passwords[role];
    return url.href;
  };

  async function prepare(words: readonly string[], env: Record<string, string>) {
    const printed: string[] = [];
    const to = { write: (text: string) => printed.push(text) };
    const code = await runCommandLine(['database', 'prepare', ...words], {
      program: 'registration',
      env,
      access: () => Promise.reject(new Error('nobody asked for it')),
      connectDatabase: async (url) =>
        createPool(url, {
          max: 1,
          applicationName: 'spec',
          statementTimeoutMs: 10_000,
          allowUnconfirmed: true,
        }),
      out: to,
      err: to,
      ask: undefined,
    });
    return { code, output: printed.join('') };
  }

  async function attributes() {
    return connected(fresh.url, async (database) => {
      const { rows } = await database.query({
        text: `select rolname as name, rolcanlogin as login, rolpassword ~ '^SCRAM-SHA-256[$]4096:' as scram,
                 rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as more
               from pg_authid where rolname = any($1) order by 1`,
        values: [Object.values(logins)],
      });
      return rows;
    });
  }

  it('makes four logins that may do no more than log in, and does so again', async () => {
    for (let round = 0; round < 2; round += 1) {
      const passwords = newPasswords();
      const { code, output } = await prepare(['--yes'], {
        DATABASE_URL: fresh.url,
        ...roles,
        ...passwordSettings(passwords),
      });
      expect([code, output]).toEqual([0, expect.stringContaining('The logins are there')]);
      for (const password of Object.values(passwords)) expect(output).not.toContain(password);
      expect(await attributes()).toEqual(
        Object.values(logins)
          .sort()
          .map((name) => ({ name, login: true, scram: true, more: false })),
      );
      await migrate(urlOf('owner', passwords));
      await connected(urlOf('owner', passwords), (database) => grantRights(database, logins));
      await connected(urlOf('api', passwords), (database) =>
        database.query({ text: 'select 1 from read_model.checkpoints' }),
      );
    }
  });

  it('makes the owner of an earlier version’s tables, functions and schemas the new one', async () => {
    const { rows } = await connected(fresh.url, (database) =>
      database.query({
        text: `select distinct owner from (
                 select nspname as schema, nspowner::regrole::text as owner from pg_namespace
                 union all select nspname, relowner::regrole::text
                   from pg_class join pg_namespace on pg_namespace.oid = relnamespace where relkind in ('r', 'S')
                 union all select nspname, proowner::regrole::text
                   from pg_proc join pg_namespace on pg_namespace.oid = pronamespace) as things
               where schema !~ '^(pg_|information_schema|public)'`,
      }),
    );
    expect(rows).toEqual([{ owner: logins.owner }]);
  });

  it('prints SQL that another administrator executes, who is no superuser', async () => {
    const other = newLogins();
    const { code, output } = await prepare(['--print'], {
      DATABASE_ROLE_OWNER: other.owner,
      DATABASE_ROLE_API: other.api,
      DATABASE_ROLE_WORKER: other.worker,
      DATABASE_ROLE_ADMIN: other.admin,
    });
    expect(code).toBe(0);
    expect(output).toContain(`-- then a password, in psql: \\password ${other.api}`);
    const administrator = `${other.owner}_manager`;
    const managed = await emptyDatabase();
    await connected(managed.url, async (database) => {
      const name = new URL(managed.url).pathname.slice(1);
      await database.query({
        text: `create role ${administrator} login createrole password 'of a manager'`,
      });
      await database.query({ text: `alter database ${name} owner to ${administrator}` });
    });
    const url = new URL(managed.url);
    url.username = administrator;
    url.password = 'of a manager';
    // It was the one login of an earlier version.
    await migrate(url.href);
    for (let round = 0; round < 2; round += 1) {
      await connected(url.href, (database) => database.query({ text: output }));
    }
    await connected(managed.url, async (database) => {
      await database.query({ text: `alter role ${other.owner} password 'of the owner'` });
    });
    url.username = other.owner;
    url.password = 'of the owner';
    await migrate(url.href);
    await connected(url.href, (database) => grantRights(database, other));
    await managed.drop();
  });

  it('changes nothing where no logins are named, and wants passwords that are long', async () => {
    const none = await prepare(['--yes'], { DATABASE_URL: fresh.url });
    expect(none).toEqual({
      code: 0,
      output: expect.stringContaining('name no logins: one has all rights'),
    });
    const short = { ...passwordSettings(newPasswords()), DATABASE_PASSWORD_API: 'short' };
    const refused = await prepare(['--yes'], { DATABASE_URL: fresh.url, ...roles, ...short });
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('DATABASE_PASSWORD_API is not valid');
  });
});
