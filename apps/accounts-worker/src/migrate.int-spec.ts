import { execFile } from 'node:child_process';
import type { ExecFileException } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { emptyDatabase } from '../../../test/support/postgres.js';
import type { FreshDatabase } from '../../../test/support/postgres.js';
import { repositoryRoot } from '../../../test/support/process.js';

interface Outcome {
  readonly exitCode: number;
  readonly said: string;
}

/** Runs the built process to its end. */
function runMigrate(
  environment: Readonly<Record<string, string>>,
  ...options: readonly string[]
): Promise<Outcome> {
  const script = join(repositoryRoot, 'dist/apps/accounts-worker/src/migrate.js');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script, ...options],
      { env: { PATH: process.env['PATH'], ...environment } },
      (error: ExecFileException | null, stdout, stderr) =>
        resolve({ exitCode: error ? Number(error.code) : 0, said: stdout + stderr }),
    );
  });
}

describe('the migrate process', () => {
  let fresh: FreshDatabase;

  beforeAll(async () => {
    fresh = await emptyDatabase();
  });
  afterAll(() => fresh.drop());

  it('says what it applied, and that nothing is left the second time', async () => {
    expect(await runMigrate({ DATABASE_URL: fresh.url })).toEqual({
      exitCode: 0,
      said: expect.stringMatching(
        /^migrate: applied 0001_read-model\n(migrate: applied .*\n)+migrate: the database is up to date\nmigrate: one login for all processes: .*\n$/,
      ),
    });
    expect(await runMigrate({ DATABASE_URL: fresh.url })).toEqual({
      exitCode: 0,
      said: expect.stringMatching(
        /^migrate: the database is up to date\nmigrate: one login for all processes: .*\n$/,
      ),
    });
  });

  it('fails at once, with the reason, where waiting does not help', async () => {
    const url = new URL(fresh.url);
    url.pathname = '/no_such_database';
    const { exitCode, said } = await runMigrate({ DATABASE_URL: url.href });
    expect(exitCode).toBe(1);
    expect(said).toContain('database "no_such_database" does not exist');
  });

  it('names a configuration that must be mended', async () => {
    const { exitCode, said } = await runMigrate({});
    expect(exitCode).toBe(78);
    expect(said).toContain('DATABASE_URL is missing');
  });

  it('wants a login for each process, or for none, and one that fits', async () => {
    const some = await runMigrate({ DATABASE_URL: fresh.url, DATABASE_ROLE_API: 'api' });
    expect(some.exitCode).toBe(78);
    expect(some.said).toContain('DATABASE_ROLE_WORKER is missing: each process has a login');
    const unknown = await runMigrate({
      DATABASE_URL: fresh.url,
      DATABASE_ROLE_API: 'not_made_1',
      DATABASE_ROLE_WORKER: 'not_made_2',
      DATABASE_ROLE_ADMIN: 'not_made_3',
    });
    expect(unknown.exitCode).toBe(78);
    expect(unknown.said).toContain('DATABASE_ROLE_ADMIN names not_made_3, which does not exist');
  });

  it('takes the steps of the way back from a copy, and only those that there are', async () => {
    const { url } = fresh;
    const restored = await runMigrate({ DATABASE_URL: url }, '--restored');
    expect(restored).toMatchObject({
      exitCode: 0,
      said: expect.stringContaining('waits for the worker to compare it'),
    });
    const given = await runMigrate({ DATABASE_URL: url, RESTORE_STEP: 'follow-log' });
    expect(given).toMatchObject({ exitCode: 0, said: expect.stringContaining('given up') });
    const none = await runMigrate({ DATABASE_URL: url }, '--give-up-lost-keys');
    expect(none).toMatchObject({
      exitCode: 0,
      said: expect.stringContaining('0 accounts were given up'),
    });
    const unknown = await runMigrate({ DATABASE_URL: url }, '--forget-everything');
    expect(unknown.exitCode).toBe(78);
    expect(unknown.said).toContain('--follow-log: give up all rows');
  });
});
