import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { grantRights } from '@app/postgres';
import { poolTransactions } from '@app/postgres/testing/transaction-pooler.js';
import { knownSecrets } from '../api/known-secrets.js';
import { eventually } from '../support/eventually.js';
import { freshDatabase } from '../support/postgres.js';
import { connected, giveLogins } from '../support/postgres-logins.js';
import { repositoryRoot, runScript, startApp } from '../support/process.js';
import { temporaryFolder } from '../support/run-folder.js';

const API = join(repositoryRoot, 'dist/apps/accounts-api/src/main.js');
const secrets = knownSecrets();
/** No database is reachable: settings are read before any is asked. */
const elsewhere = {
  API_PORT: '0',
  BCRYPT_COST: '4',
  EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false',
  DATABASE_URL: 'postgres://127.0.0.1:1/none',
};

describe('At its start the API', () => {
  it('refuses every secret that is kept badly, by name and in one message, and quotes none', async () => {
    const folder = temporaryFolder('secrets');
    const fileOf = (name: string, content: string, mode = 0o600) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      chmodSync(path, mode);
      return path;
    };
    const { ADDRESS_KEY = '', PERSONAL_DATA_KEYS = '' } = secrets;
    const { code, output } = await runScript(API, {
      ...elsewhere,
      ADDRESS_KEY_FILE: fileOf('address-key', ADDRESS_KEY, 0o644),
      ACTIVATION_CODE_KEYS_FILE: fileOf('code-keys', '\n'),
      PASSWORD_PEPPERS: 'k1:c2hvcnQ=',
      PERSONAL_DATA_KEYS,
      PERSONAL_DATA_KEYS_FILE: fileOf('personal-data-keys', PERSONAL_DATA_KEYS),
    });
    expect(code).toBe(78);
    expect(output).toContain('The configuration has 4 faults');
    expect(output).toMatch(/ADDRESS_KEY is open to others: .* mode 0644/);
    expect(output).toContain('ACTIVATION_CODE_KEYS is empty');
    expect(output).toMatch(/PASSWORD_PEPPERS is not valid: .*32 bytes/);
    expect(output).toContain('PERSONAL_DATA_KEYS is set twice');
    for (const secret of [ADDRESS_KEY, PERSONAL_DATA_KEYS, 'c2hvcnQ=', folder]) {
      expect(output).not.toContain(secret);
    }
  });

  it('refuses a weak cost and a proxy that is none', async () => {
    const { code, output } = await runScript(API, {
      ...secrets,
      ...elsewhere,
      NODE_ENV: 'production',
      TRUSTED_PROXIES: 'web',
    });
    expect(code).toBe(78);
    expect(output).toContain('BCRYPT_COST is not valid: must be from 10 to 15');
    expect(output).toContain('TRUSTED_PROXIES is not valid: must be addresses, networks');
  });

  it('refuses a secret that is not the one that the database was filled with, by its name', async () => {
    const { url: DATABASE_URL } = await freshDatabase();
    const settings = { ...secrets, ...elsewhere, DATABASE_URL };
    const first = await startApp('accounts-api/src', settings);
    await first.stop();
    const { ADDRESS_KEY = '', PASSWORD_PEPPERS = '' } = knownSecrets();
    const { code, output } = await runScript(API, { ...settings, ADDRESS_KEY, PASSWORD_PEPPERS });
    expect(code).toBe(78);
    expect(output).toContain('The configuration has 2 faults');
    expect(output).toMatch(/ADDRESS_KEY has another key than the one/);
    expect(output).toMatch(/PASSWORD_PEPPERS has another key under the id k1 than the one/);
    expect(output).not.toContain(ADDRESS_KEY);
    const again = await startApp('accounts-api/src', settings);
    await again.stop();
  });

  it('refuses a pooler that lends connections for a transaction', async () => {
    const { url } = await freshDatabase();
    const pooler = await poolTransactions(url);
    const { code, output } = await runScript(API, {
      ...secrets,
      ...elsewhere,
      DATABASE_URL: pooler.url,
    });
    await pooler.close();
    expect(code).toBe(78);
    expect(output).toMatch(/DATABASE_URL leads through a connection pooler that lends connections/);
  });

  it('waits for rights that its login lacks, and says what to run', async () => {
    const { url } = await freshDatabase();
    const { urls, logins } = await giveLogins(url);
    await connected(url, (database) =>
      database.query({ text: `revoke insert on throttling.buckets from ${logins.api}` }),
    );
    const starting = startApp('accounts-api/src', {
      ...secrets,
      ...elsewhere,
      DATABASE_URL: urls.api,
    });
    await connected(urls.owner, async (database) => {
      await eventually(async () => {
        const { rowCount } = await database.query({
          text: `select from pg_stat_activity where usename = $1 and query like '%has_column_privilege%'`,
          values: [logins.api],
        });
        expect(rowCount).toBeGreaterThan(0);
      });
      await grantRights(database, logins);
    });
    const api = await starting;
    await api.stop();
    expect(api.output()).toContain('the start waits');
    expect(api.output()).toContain(
      `DATABASE_URL has the login ${logins.api}, which lacks INSERT on throttling.buckets: run migrate with DATABASE_ROLE_API=${logins.api}`,
    );
  });

  it('learns what the dearest password hash in its database costs, after its own cost was lowered', async () => {
    const { url: DATABASE_URL } = await freshDatabase();
    const database = new Client({ connectionString: DATABASE_URL });
    await database.connect();
    await database.query(
      `insert into read_model.accounts (account_id, address, claims, registration_number,
         status, registered_at, revision, position)
       values (gen_random_uuid(), 'ada@example.org', $1, 1, 'pending', now(), 0, 0)`,
      [JSON.stringify([{ number: 1, passwordHash: 'v2$k1$2b$06$hash' }])],
    );
    await database.end();
    const api = await startApp('accounts-api/src', { ...secrets, ...elsewhere, DATABASE_URL });
    const metrics = await (await fetch(`${api.endpoints['internal']}/metrics`)).text();
    await api.stop();
    expect(metrics).toMatch(/^password_check_cost 6$/m);
  });

  it('warns of rules on the composition of passwords, and only then', async () => {
    const { url: DATABASE_URL } = await freshDatabase();
    const settings = { ...secrets, ...elsewhere, DATABASE_URL };
    // No event store is reachable: a process starts all the same, and its probe names what it lacks.
    const quiet = await startApp('accounts-api/src', settings);
    await quiet.stop();
    expect(quiet.output()).not.toContain('composed by rules');
    const strict = await startApp('accounts-api/src', {
      ...settings,
      PASSWORD_REQUIRE_DIGIT: 'true',
      PASSWORD_REQUIRE_SPECIAL: 'true',
    });
    await strict.stop();
    const warning = strict
      .output()
      .split('\n')
      .find((line) => line.includes('composed by rules'));
    expect(JSON.parse(warning ?? '{}')).toMatchObject({
      level: 40,
      rules: ['digit', 'special-character'],
    });
  });
});
