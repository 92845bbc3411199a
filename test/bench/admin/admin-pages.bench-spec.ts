/**
 * How long operators wait with many accounts. Run it alone, on a quiet machine:
 *
 *   npm run test:jest -- --testMatch '**' + '/admin-pages.bench-spec.ts'
 *
 * BENCH_ACCOUNTS sets how many accounts the read model has (1,000,000 when left out).
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountRegistered, codeIssued, codeSent } from '@app/accounts/testing/account-examples.js';
import { scopes } from '../../../apps/accounts-admin/src/admin-keys/scopes.js';
import { startAdminService } from '../../admin/admin-service.js';
import type { AdminService } from '../../admin/admin-service.js';

const ACCOUNTS = Number(process.env['BENCH_ACCOUNTS'] ?? 1_000_000);
const CALLS = 200;
const MOST_P99_MS = 50;

describe(`admin API with ${ACCOUNTS} accounts`, () => {
  let admin: AdminService;
  let key: string;
  const say = (text: string) => void process.stderr.write(`${text}\n`);

  beforeAll(async () => {
    admin = await startAdminService();
    key = await admin.keyWith(...scopes);
    await admin.record('ada@example.org', accountRegistered(), codeIssued(), codeSent());
    // Addresses and times have nothing to do with each other, except those of one late wave.
    const step = 50_000;
    for (let from = 0; from < ACCOUNTS; from += step) {
      await admin.database.query({
        text: `insert into read_model.accounts
                 (account_id, address, password_hash, registration_number, status, registered_at,
                  activated_at, revision, position)
               select gen_random_uuid(),
                      case when n < $2::int * 0.997 then substr(md5(n::text), 1, 8) else 'wave' || n end
                        || '@example.org',
                      'v1$k1$2b$12$0123456789012345678901234567890123456789012345678901234', 1,
                      case when n % 10 = 0 then 'pending' else 'active' end,
                      timestamptz '2026-01-01' + make_interval(secs => n * 20),
                      case when n % 10 = 0 then null else timestamptz '2026-01-01' + make_interval(secs => n * 20 + 30) end,
                      3, n
               from generate_series($1::int, least($1::int + ${step}, $2::int) - 1) as n`,
        values: [from, ACCOUNTS],
      });
    }
    await admin.database.query({ text: 'vacuum analyze read_model.accounts' });
  }, 300_000);
  afterAll(() => admin.stop());

  async function timed(path: string): Promise<{ readonly ms: number; readonly cursor: string }> {
    const startedAt = performance.now();
    const { status, body } = await admin.call('GET', `/admin/v1${path}`, { key });
    expect(status).toBe(200);
    return { ms: performance.now() - startedAt, cursor: String(body['nextCursor'] ?? '') };
  }

  const percentile = (values: readonly number[], share: number) =>
    values.toSorted((one, other) => one - other)[Math.ceil(values.length * share) - 1] ?? 0;

  const random = (below: number) => Math.floor(Math.random() * below);
  const time = () => new Date(Date.UTC(2026, 0, 1) + random(ACCOUNTS) * 20_000).toISOString();
  const hex = (length: number) => Array.from({ length }, () => random(16).toString(16)).join('');

  it.each<[string, () => string]>([
    ['newest 50', () => '/accounts'],
    ['oldest 200', () => '/accounts?sort=registeredAt&limit=200'],
    ['pending, newest', () => '/accounts?status=pending'],
    ['pending, within a time', () => `/accounts?status=pending&registeredFrom=${time()}`],
    [
      'from some time on, oldest first',
      () => `/accounts?sort=registeredAt&registeredFrom=${time()}`,
    ],
    ['before some time, newest first', () => `/accounts?registeredTo=${time()}`],
    ['whole address', () => '/accounts?email=ada@example.org'],
    ['beginning of 1 letter', () => `/accounts?email=${hex(1)}*`],
    ['beginning of 2 letters', () => `/accounts?email=${hex(2)}*`],
    ['beginning of 3 letters, pending', () => `/accounts?email=${hex(3)}*&status=pending`],
    ['beginning of 4 letters', () => `/accounts?email=${hex(4)}*`],
    ['beginning of 6 letters', () => `/accounts?email=${hex(6)}*&limit=200`],
    ['beginning that came late, oldest first', () => '/accounts?email=wave*&sort=registeredAt'],
    ['one account', () => '/accounts/ada@example.org'],
    ['its history', () => '/accounts/ada@example.org/history'],
    ['its state', () => '/accounts/ada@example.org/state?revision=1'],
  ])(
    '%s',
    async (name, path) => {
      for (let call = 0; call < 10; call++) await timed(path());
      const times: number[] = [];
      for (let call = 0; call < CALLS; call++) times.push((await timed(path())).ms);
      const p99 = percentile(times, 0.99);
      say(`${name}: p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
      expect(p99).toBeLessThan(MOST_P99_MS);
    },
    120_000,
  );

  it('page after page, as far as 200 pages deep', async () => {
    const times: number[] = [];
    let cursor = '';
    for (let page = 0; page < CALLS; page++) {
      const read = await timed(`/accounts?limit=200${cursor && `&cursor=${cursor}`}`);
      times.push(read.ms);
      cursor = read.cursor;
    }
    const p99 = percentile(times, 0.99);
    say(`pages in a row: p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    expect(p99).toBeLessThan(MOST_P99_MS);
  }, 120_000);
});
