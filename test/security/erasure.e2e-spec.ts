import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '@app/postgres';
import { createPool } from '@app/postgres/postgres.js';
import { AccountClient, Backstage, PASSWORD } from '../api/account-client.js';
import type { Credentials } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { eventually } from '../support/eventually.js';
import { piecesOfFiles } from '../support/pieces-of-files.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';
import { temporaryFolder } from '../support/run-folder.js';

const VERIFY_RECEIPT = join(process.cwd(), 'apps/accounts-admin/verify-receipt.mjs');
const VERIFY_EXPORT = join(process.cwd(), 'apps/accounts-admin/verify-export.mjs');

/** A user who is about to be erased, with everything that must not be found afterwards. */
interface Person extends Credentials {
  readonly accountId: string;
  readonly traces: readonly string[];
}

describe('Erasing accounts', () => {
  const secrets = knownSecrets();
  const adminKey = `spec-key.${randomBytes(32).toString('base64url')}`;
  let product: Product;
  let admin: RestartableApp;
  let client: AccountClient;
  let backstage: Backstage;
  let database: Database;
  let pending: Person;
  let active: Person;
  let neighbour: Person;
  const receipts = new Map<string, Record<string, unknown>>();

  beforeAll(async () => {
    product = await startProduct({
      environment: { ...secrets, LOG_LEVEL: 'trace', CODE_RESEND_SECONDS: '1' },
    });
    const common = {
      EVENTSTORE_URL: product.endpoints.eventstore,
      DATABASE_URL: product.databaseUrls.admin,
      LOG_LEVEL: 'trace',
    };
    admin = await startRestartableApp('accounts-admin/src', (port) => ({
      ...common,
      ADMIN_PORT: port('admin'),
      ...secrets,
      RECEIPT_KEY: randomBytes(32).toString('base64'),
      ADMIN_KEY: adminKey,
    }));
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    database = createPool(product.endpoints.database, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 20_000,
    });
    [pending, active, neighbour] = await Promise.all([person(), person(), person()]);
    await eventually(async () => {
      const history = await backstage.historyOf(active.accountId);
      expect(history.map(({ type }) => type)).toContain('ActivationCodeSent');
    });
    await activate(active);
  }, 60_000);
  afterAll(async () => {
    // A start that failed half-way leaves the rest to be stopped.
    const parts: readonly ({ stop(): Promise<void> } | undefined)[] = [admin, product];
    await (backstage as Backstage | undefined)?.close();
    await (database as Database | undefined)?.close();
    for (const part of parts) await part?.stop();
  });

  async function person(): Promise<Person> {
    const mark = randomBytes(8).toString('hex');
    const email = `Person.${mark}@example.org`;
    const herOwn = new AccountClient(product.endpoints.api, `Browser ${mark}`);
    const { status, body } = await herOwn.register({ email, password: PASSWORD });
    expect(status).toBe(202);
    const accountId = String(body['accountId']);
    const hash = await eventually(async () => {
      const { rows } = await database.query<{ hash: string }>({
        text: `select claims::json -> -1 ->> 'passwordHash' as hash
               from read_model.accounts where account_id = $1`,
        values: [accountId],
      });
      if (rows[0] === undefined) throw new Error('there is no row yet');
      return rows[0].hash;
    });
    return { email, password: PASSWORD, accountId, traces: [mark, hash] };
  }

  async function activate(caller: Credentials, mails = 1): Promise<void> {
    const code = await backstage.codeFor(caller, mails);
    expect((await client.activate(caller, code)).status).toBe(200);
  }

  async function call(method: string, path: string) {
    const response = await fetch(`${admin.url('admin')}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${adminKey}` },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** Where the history says that the requests came from. */
  async function clientsOf({ accountId }: Person): Promise<unknown[]> {
    const { body } = await call('GET', `/accounts/${accountId}/history`);
    return (body['events'] as { client: unknown }[]).map((event) => event.client);
  }

  function erase({ accountId }: Person, reason = 'requested-by-owner') {
    return call('DELETE', `/accounts/${accountId}?reason=${reason}`);
  }

  it('comes after a history that shows where the requests came from', async () => {
    const herOwn = { address: '127.0.0.1', userAgent: `Browser ${active.traces[0]}` };
    const activation = { address: '127.0.0.1', userAgent: 'spec' };
    expect(await clientsOf(active)).toEqual([herOwn, herOwn, null, activation]);
  });

  it('answers a signed receipt, the same one each time', async () => {
    for (const one of [pending, active]) {
      const { status, body } = await erase(one);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { receipt: { accountId: one.accountId, reason: 'requested-by-owner' } },
      });
      receipts.set(one.accountId, body);
      expect(await erase(one, 'test-data')).toEqual({ status: 200, body });
    }
  });

  it('can be proven with the receipt alone, and with no other', () => {
    const file = join(temporaryFolder('receipts'), 'receipt.json');
    const verify = (content: unknown, ...more: string[]): string => {
      writeFileSync(file, JSON.stringify(content));
      return execFileSync(process.execPath, [VERIFY_RECEIPT, file, ...more], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
    };
    const content = receipts.get(active.accountId) as { receipt: Record<string, string> };
    const verdict = verify(content);
    expect(verdict).toContain(
      `account ${active.accountId} was erased at ${content.receipt['erasedAt']}`,
    );
    const [, fingerprint = ''] = /with key ([0-9a-f]{64})/.exec(verdict) ?? [];
    expect(verify(content, fingerprint)).toContain('Signed with the expected key');
    expect(() => verify(content, fingerprint.replace(/./, 'x'))).toThrow(/another key/);
    for (const name of ['receiptId', 'accountId', 'reason', 'erasedAt', 'signature', 'publicKey']) {
      const forged = { ...content.receipt, [name]: `${content.receipt[name]?.slice(0, -4)}AAAA` };
      expect(() => verify({ receipt: forged })).toThrow(/does not hold/);
    }
  });

  it('asks for a reason from the list, and for an account that was ever registered', async () => {
    expect((await erase(neighbour, 'because')).status).toBe(400);
    expect((await call('DELETE', `/accounts/${neighbour.accountId}`)).status).toBe(400);
    const nobody = '00000000-0000-8000-8000-000000000001';
    const { status, body } = await call('DELETE', `/accounts/${nobody}?reason=test-data`);
    expect({ status, type: body['type'] }).toEqual({
      status: 404,
      type: '/problems/account-not-found',
    });
  });

  it('leaves the account without credentials, and its neighbours alone', async () => {
    for (const one of [pending, active]) {
      await eventually(async () => {
        expect((await client.view(one)).status).toBe(401);
        const { body } = await call('GET', `/accounts/${one.accountId}`);
        expect(body).toMatchObject({ email: null, status: 'erased', activatedAt: null });
      });
    }
    expect((await client.view(neighbour)).status).toBe(200);
  });

  it('leaves no readable byte of address or hash in the event store, in PostgreSQL and in logs', async () => {
    const traces = [...pending.traces, ...active.traces];
    const inFiles = new Set<string>();
    for (const { text } of piecesOfFiles(await product.eventStore.files()))
      for (const sought of [...traces, active.accountId])
        if (text.includes(sought)) inFiles.add(sought);
    const places = new Map([
      ['PostgreSQL', await dumpOf(database)],
      [
        'logs',
        [product.api, ...product.workers, admin, product.eventStore]
          .map((app) => app.output())
          .join(''),
      ],
    ]);
    for (const [place, content] of places) {
      expect({ place, found: traces.filter((trace) => content.includes(trace)) }).toEqual({
        place,
        found: [],
      });
    }
    // The search finds what is there.
    for (const trace of neighbour.traces) expect(places.get('PostgreSQL')).toContain(trace);
    expect([...inFiles]).toEqual([active.accountId]);
  });

  it('leaves the history, without the person', async () => {
    const { body } = await call('GET', `/accounts/${active.accountId}/history`);
    const events = body['events'] as {
      type: string;
      data: object;
      actor: string;
      sentence: string;
    }[];
    expect(events.map(({ type }) => type)).toEqual([
      'AccountRegistered',
      'ActivationCodeIssued',
      'ActivationCodeSent',
      'AccountActivated',
      'AccountErased',
    ]);
    expect(events[0]?.data).toMatchObject({
      address: { erased: true },
      registeredAt: expect.any(String),
    });
    expect(events.at(-1)).toMatchObject({ actor: 'admin:spec-key' });
    const gone = { erased: true };
    expect(await clientsOf(active)).toEqual([gone, gone, null, gone, null]);
    const state = await call('GET', `/accounts/${active.accountId}/state?revision=3`);
    expect(state).toMatchObject({
      status: 200,
      body: { state: { status: 'active', email: null } },
    });
  });

  it('leaves the address to its next owner, whose rows can be rebuilt beside the others', async () => {
    const anew = { email: active.email, password: `${PASSWORD} of somebody else` };
    expect((await client.register(anew)).body['accountId']).toBe(active.accountId);
    await activate(anew, 2);
    expect((await client.view(active)).status).toBe(401);
    const { status, body } = await client.view(anew);
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'active' } });

    const { body: history } = await call('GET', `/accounts/${active.accountId}/history`);
    const registrations = (history['events'] as { type: string; data: object }[]).filter(
      ({ type }) => type === 'AccountRegistered',
    );
    expect(registrations.map(({ data }) => data)).toMatchObject([
      { address: { erased: true } },
      { address: anew.email, registrationNumber: 2 },
    ]);

    await call('POST', '/projections/accounts/rebuild');
    await eventually(
      async () => {
        const { body: answer } = await call('GET', '/projections');
        const projections = answer['projections'] as { name: string; rebuild: unknown }[];
        expect(projections.find(({ name }) => name === 'accounts')?.rebuild).toMatchObject({
          state: 'switched',
        });
      },
      { within: 15_000 },
    );
    expect((await client.view(anew)).status).toBe(200);
  });

  it('leaves histories that verify, whatever was erased', async () => {
    for (const { accountId } of [pending, active, neighbour]) {
      const { status, body } = await call('GET', `/accounts/${accountId}/verification`);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { intact: true, broken: null, head: expect.any(String) },
      });
    }
  });

  it('leaves a log whose exported heads verify offline, and show what is cut off later', async () => {
    const response = await fetch(`${admin.url('admin')}/admin/v1/heads`, {
      headers: { Authorization: `Bearer ${adminKey}` },
    });
    const exported = await response.text();
    const folder = temporaryFolder('exports');
    const verify = (content: string, earlier?: string): string => {
      const files = [content, earlier].flatMap((text, index) => {
        if (text === undefined) return [];
        writeFileSync(join(folder, `${index}`), text);
        return [join(folder, `${index}`)];
      });
      return execFileSync(process.execPath, [VERIFY_EXPORT, ...files], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
    };
    expect(verify(exported)).toMatch(/^\d+ streams as of /);
    expect(verify(exported, exported)).toMatch(/0 grew since, 0 are new/);
    const lines = exported.split('\n');
    expect(() => verify(lines.toSpliced(1, 1).join('\n'))).toThrow(/not what was signed/);
    expect(() => verify(exported.replace(/"revision":\d+/, '"revision":99'))).toThrow(
      /not what was signed/,
    );
    expect(() => verify(lines.slice(0, -2).join('\n'))).toThrow(/not whole/);
  });

  it('is completed by the worker when it was only recorded', async () => {
    // What a crash right after the append leaves behind: the key as it was, and the worker before the event.
    await product.workers[0].kill();
    const { status } = await erase(neighbour);
    expect(status).toBe(200);
    await database.query({
      text: `update personal_data.account_keys
             set wrapped_key = '\\x00', key_encryption_key_id = 'k1', destroyed_at = null
             where account_id = $1`,
      values: [neighbour.accountId],
    });
    await product.workers[0].restart();
    await eventually(
      async () => {
        const { rows } = await database.query<{ destroyed: boolean }>({
          text: `select destroyed_at is not null and wrapped_key is null as destroyed
                 from personal_data.account_keys where account_id = $1`,
          values: [neighbour.accountId],
        });
        expect(rows).toEqual([{ destroyed: true }]);
      },
      { within: 15_000 },
    );
  });
});

/** Every row of every table. */
async function dumpOf(database: Database): Promise<string> {
  const { rows: tables } = await database.query<{ query: string }>({
    text: `select format('select whole::text as row from %I.%I as whole', table_schema, table_name) as query
           from information_schema.tables
           where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  });
  const dump: string[] = [];
  for (const { query } of tables) {
    const { rows } = await database.query<{ row: string }>({ text: query });
    dump.push(...rows.map(({ row }) => row));
  }
  return dump.join('\n');
}
