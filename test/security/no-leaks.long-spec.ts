import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@app/postgres/postgres.js';
import type { Database } from '@app/postgres';
import { AccountClient, anotherCode, basicAuth } from '../api/account-client.js';
import type { Answer, Credentials } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { piecesOfFiles } from '../support/pieces-of-files.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { sweep } from '../support/sweep.js';

const LANES = 12;
/** In every address and every password and in what the client calls itself, and nowhere else. */
const CANARY = `canary${randomBytes(8).toString('hex')}`;
/** Where personal data is meant to be: the read model's own copy of what the log holds sealed. */
const documented = ['read_model.accounts.address', 'read_model.accounts.claims'];

interface Registered extends Credentials {
  readonly accountId: string;
  code: string;
}

/** Registers so many people with marked addresses and passwords, and searches everything for the mark. */
function describeNoLeaks(count: number): void {
  describe(`After ${count} registrations with marked addresses and passwords`, () => {
    let product: Product;
    let client: AccountClient;
    let database: Database;
    let registered: Registered[];

    beforeAll(async () => {
      // Everything that can be logged is. Waiting for beats would only make the test slower.
      product = await startProduct({
        environment: { LOG_LEVEL: 'trace' },
        api: { ANSWER_BEAT_MS: '0' },
      });
      client = new AccountClient(product.endpoints.api, `Browser ${CANARY}`);
      database = createPool(product.endpoints.database, {
        max: 2,
        applicationName: 'spec',
        statementTimeoutMs: 20_000,
      });
      registered = await inLanes(count, async (index) => {
        const caller = {
          email: `Ada.${index}.${CANARY}@example.org`,
          password: `${CANARY} pässword ${index}`,
        };
        const { body } = await patiently(() => client.register(caller));
        return { ...caller, accountId: String(body['accountId']), code: '' };
      });
      const codes = await mailedCodes(product, count);
      for (const one of registered) one.code = codes.get(one.email) ?? '';
      await misuse();
    }, 120_000);
    afterAll(async () => {
      await database.close();
      await product.stop();
    });

    /** What people do wrong, or on purpose, with their secrets. */
    async function misuse(): Promise<void> {
      await inLanes(60, async (index) => {
        const one = registered[index] as Registered;
        const { email, password } = one;
        const wrong = { email, password: `${password} wrong` };
        const broken = { email, password: `${password}\r\nwrong` };
        const calls = [
          () => client.activate(one, anotherCode(one.code)),
          () => client.activate(one, one.code),
          () => client.view(one),
          () => client.view(wrong),
          () => client.view(broken),
          () => client.register(one),
          () => client.register(wrong),
          () => client.requestCode(one),
          () =>
            client.call(`/v1/account?email=${one.email}`, { headers: { Cookie: one.password } }),
          () => client.post('/v1/accounts', { ...one, [one.password]: one.email }),
          () => client.post('/v1/accounts', `{"email":"${one.email}","password":"${one.password}"`),
          () => client.post(`/v1/${one.email}`, {}),
          () => client.call('/v1/account', { headers: { Authorization: `Bearer ${CANARY}` } }),
          () =>
            client.call('/v1/account', {
              headers: { Authorization: basicAuth(one), 'Consistency-Token': CANARY },
            }),
        ];
        if (index % 3 === 0) calls.reverse();
        for (const call of calls) await patiently(call);
      });
    }

    it('every code was mailed, and the search finds what is there', () => {
      for (const { code } of registered) expect(code).toMatch(/^\d{4}$/);
      const [one] = registered as [Registered];
      expect(hasTrace(product.mailbox.output())).toBe(true);
      for (const before of ['', 'a', 'ab']) {
        expect(hasTrace(basicAuth({ ...one, email: before + one.email }))).toBe(true);
      }
      expect(hasTrace(encodeURIComponent(one.password))).toBe(true);
    });

    it('no log of any process has a trace of an address, a password or a code', () => {
      const logs = [product.api, ...product.workers, product.eventStore].map((app) => app.output());
      expect(logs.join('').length).toBeGreaterThan(100_000);
      for (const log of logs) expectNoTrace(log);
      expectNoCodes(logs.join('').split('\n'), 'the logs');
    });

    it('the log of the API speaks of everything that people do wrong', () => {
      const named = product.api.output().matchAll(/"securityEvent":"(\w+)"/g);
      expect([...new Set([...named].map(([, name]) => name))].sort()).toEqual([
        'activation_code_fail',
        'authn_login_fail',
        'authn_login_success',
        'user_create_fail',
        'user_created',
        'user_updated',
      ]);
    });

    it('every line of the logs is one JSON object, whatever was sent', () => {
      for (const app of [product.api, ...product.workers]) {
        for (const line of app.output().trim().split('\n')) {
          expect(JSON.parse(line)).toMatchObject({
            level: expect.any(Number),
            msg: expect.anything(),
          });
        }
      }
    });

    it('the metrics have none', async () => {
      for (const app of [product.api, ...product.workers]) {
        const response = await fetch(`${app.url('internal')}/metrics`);
        const metrics = await response.text();
        expect(metrics).toContain('process_cpu');
        expectNoTrace(metrics);
      }
    });

    it('the files of the event store have none', async () => {
      let registrations = 0;
      const events: string[] = [];
      for (const { text, news } of piecesOfFiles(await product.eventStore.files())) {
        registrations += news.split('AccountRegistered').length - 1;
        expectNoTrace(text);
        events.push(...text.split(/(?=account-[0-9a-f]{8}-)/));
      }
      expect(registrations).toBeGreaterThanOrEqual(count);
      expectNoCodes(events, 'the event store');
    });

    it('PostgreSQL has none, but for the two columns that are documented', async () => {
      await eventually(async () => {
        const { rows } = await database.query<{ accounts: bigint }>({
          text: 'select count(*) as accounts from read_model.accounts',
        });
        expect(rows[0]?.accounts).toBe(BigInt(count));
      });
      const dump = await dumpOf(database);
      expect(dump.get('read_model.accounts.address')?.join()).toContain(CANARY);
      for (const column of documented) dump.delete(column);
      for (const [column, values] of dump) {
        expect({ column, hasTrace: hasTrace(values.join('\n')) }).toEqual({
          column,
          hasTrace: false,
        });
      }
      const { rows } = await database.query<{ row: string }>({
        text: `select (to_jsonb(accounts) - 'claims' - 'address')::text as row from read_model.accounts`,
      });
      expectNoCodes(
        rows.map(({ row }) => row),
        'the read model',
      );
    });

    it('no password hash stands in the event store in clear', async () => {
      for (const { text } of piecesOfFiles(await product.eventStore.files()))
        expect(/\$2b\$\d\d\$/.test(text)).toBe(false);
    });

    /** Also as it is in transit: base64 of Basic Auth, percent-encoded in a URL. */
    function hasTrace(text: string): boolean {
      const inBase64 = [0, 1, 2].map((shift) =>
        Buffer.from('x'.repeat(shift) + CANARY)
          .toString('base64')
          .slice(4, -4),
      );
      return [CANARY, 'pässword', 'p%C3%A4ssword', ...inBase64].some((trace) =>
        text.includes(trace),
      );
    }

    function expectNoTrace(text: string): void {
      expect(hasTrace(text)).toBe(false);
    }

    /**
     * Four digits stand everywhere by chance. So whatever speaks of an account is searched for the code of that
     * account, standing alone; times, ids and sealed text aside, which have digits of their own.
     */
    function expectNoCodes(records: readonly string[], where: string): void {
      const codes = new Map(registered.map(({ accountId, code }) => [accountId, code]));
      let looked = 0;
      let found = 0;
      for (const record of records) {
        const [accountId = ''] =
          /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f-]{17}/.exec(record) ?? [];
        const code = codes.get(accountId);
        if (code === undefined) continue;
        looked += 1;
        const rest = record
          .replace(/\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g, '')
          .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '')
          .replace(/"[A-Za-z0-9+/]{40,}={0,2}"/g, '');
        if (new RegExp(`(?<![\\w.+/-])${code}(?![\\w.+/-])`).test(rest)) found += 1;
      }
      expect({ where, looked: looked > count / 20, found }).toEqual({
        where,
        looked: true,
        found: 0,
      });
    }
  });
}

/** A machine that is busy with other tests may send a call away for a moment. */
function patiently(call: () => Promise<Answer>): Promise<Answer> {
  return eventually(
    async () => {
      const answer = await call();
      expect(answer.status).toBeLessThan(500);
      return answer;
    },
    { within: 30_000, every: 200 },
  );
}

async function inLanes<Result>(count: number, work: (index: number) => Promise<Result>) {
  const results: Result[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let index = next++; index < count; index = next++) results[index] = await work(index);
    }),
  );
  return results;
}

/** The code of each address, from the output of the mailbox: the one place where it is printed. */
async function mailedCodes(
  { mailbox }: Product,
  count: number,
): Promise<ReadonlyMap<string, string>> {
  return eventually(
    () => {
      const printed = mailbox.output().matchAll(/^code (\d{4}) for (\S+)$/gm);
      const codes = new Map([...printed].map(([, code = '', address = '']) => [address, code]));
      if (codes.size < count) throw new Error(`only ${codes.size} mails have arrived`);
      return codes;
    },
    { within: 60_000, every: 200 },
  );
}

/** Every value of every table, as text, by column. */
async function dumpOf(database: Database): Promise<Map<string, string[]>> {
  const { rows: columns } = await database.query<{ place: string; query: string }>({
    text: `select format('%s.%s.%s', table_schema, table_name, column_name) as place,
                  format('select %I::text as value from %I.%I', column_name, table_schema, table_name) as query
           from information_schema.columns join information_schema.tables using (table_schema, table_name)
           where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  });
  const dump = new Map<string, string[]>();
  for (const { place, query } of columns) {
    const { rows } = await database.query<{ value: string | null }>({ text: query });
    dump.set(
      place,
      rows.map(({ value }) => value ?? ''),
    );
  }
  return dump;
}

/** `NO_LEAKS_REGISTRATIONS=5000 npm run test:long -- no-leaks` marks any number. */
describeNoLeaks(Number(process.env['NO_LEAKS_REGISTRATIONS'] ?? sweep(100, 1_000)));
