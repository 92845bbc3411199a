import { describe, expect, it } from '@jest/globals';
import type { Database, Statement } from '@app/postgres';
import { postgresCheck } from './start-up.js';

/** Has everything that is asked for, but for the rights that are missing. */
function exampleDatabase() {
  const asked: string[] = [];
  const missing: { login: string; what: string }[] = [];
  const database = {
    query: async ({ name = '' }: Statement) => {
      asked.push(name);
      const rows = name === 'find-missing-right' ? [...missing] : [];
      return { rows, rowCount: rows.length };
    },
    checkAvailable: async () => void asked.push('check'),
  } as unknown as Database;
  return { asked, missing, database };
}

describe('The check of PostgreSQL behind /health/ready', () => {
  function exampleCheck() {
    const example = exampleDatabase();
    const clock = { now: 1_000_000 };
    const check = postgresCheck(example.database, 'api', example.database, () => clock.now);
    return { ...example, clock, check };
  }

  it('asks about the rights once in 30 s, and about the rest each time', async () => {
    const { asked, clock, check } = exampleCheck();
    const rest = ['check', 'find-missing-schema'];
    await check();
    clock.now += 29_999;
    await check();
    clock.now += 1;
    await check();
    expect(asked).toEqual(['find-missing-right', ...rest, ...rest, 'find-missing-right', ...rest]);
  });

  it('notices a right that was taken within 30 s, and at once that it is back', async () => {
    const { missing, clock, check } = exampleCheck();
    await check();
    missing.push({ login: 'api', what: 'SELECT on throttling.buckets' });
    clock.now += 30_000;
    for (let look = 0; look < 2; look++)
      await expect(check()).rejects.toThrow(/which lacks SELECT/);
    missing.pop();
    await check();
  });
});
