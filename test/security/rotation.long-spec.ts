import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPool } from '@app/postgres/postgres.js';
import type { Database } from '@app/postgres';
import { AccountClient, Backstage, expectProblem, newCaller } from '../api/account-client.js';
import type { Answer, Credentials } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { sweep } from '../support/sweep.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';

const RINGS = ['ACTIVATION_CODE_KEYS', 'PASSWORD_PEPPERS', 'PERSONAL_DATA_KEYS'] as const;
/** A restart waits for the processors that these lanes keep busy. */
const LANES = sweep(2, 4);
const PAUSE_MS = 300;
const DEADLINE_MS = 180_000;

type Settings = Record<string, string>;

/**
 * All three key rings replaced under load, as docs/security.md tells the operator to: the new key second,
 * then first, then alone, each time with the processes restarted one after another.
 */
describe('Keys that are replaced while people register', () => {
  // Read anew at each start of a process.
  const settings: Settings = {
    ...knownSecrets(),
    CREDENTIAL_CACHE_SECONDS: '0',
    // The restarts take longer than a minute where processors are few: that is not what the code is to end by.
    ACTIVATION_CODE_TTL_SECONDS: '900',
  };
  let product: Product;
  let second: RestartableApp;
  let backstage: Backstage;
  let database: Database;
  let failures: unknown[];
  let storiesTold: number;
  let repeated: number;
  let stopping: boolean;
  let lanes: Promise<void>[];

  beforeAll(async () => {
    product = await startProduct({ workers: 2, api: settings, worker: settings });
    second = await startRestartableApp('accounts-api/src', (port) => ({
      ...settings,
      BCRYPT_COST: '4',
      API_PORT: port('api'),
      INTERNAL_PORT: '0',
      REGISTRATIONS_PER_NETWORK_PER_HOUR: '1000000',
      NEW_CODES_PER_NETWORK_PER_HOUR: '1000000',
      WRONG_CODES_PER_NETWORK_PER_HOUR: '1000000',
      MAILS_PER_DOMAIN_AND_NETWORK_PER_DAY: '1000000',
      EVENTSTORE_URL: product.endpoints.eventstore,
      DATABASE_URL: product.databaseUrls.api,
    }));
    backstage = new Backstage(product);
    database = createPool(product.endpoints.database, {
      max: 2,
      applicationName: 'spec',
      statementTimeoutMs: 5_000,
    });
    failures = [];
    storiesTold = 0;
    repeated = 0;
    stopping = false;
    lanes = Array.from({ length: LANES }, (_, lane) => tellStories(lane));
  }, DEADLINE_MS);
  afterAll(async () => {
    stopping = true;
    await Promise.all(lanes);
    await database.close();
    await backstage.close();
    await second.stop();
    await product.stop();
  }, DEADLINE_MS);

  /** As a client does that obeys Retry-After, as often as the answer asks for it within a few seconds. */
  async function anyServer(call: (client: AccountClient) => Promise<Answer>): Promise<Answer> {
    return eventually(
      async () => {
        const answer = await reachableServer(call);
        if (answer.status !== 503) return answer;
        repeated += 1;
        throw new Error(`sent away: ${answer.text}`);
      },
      { within: 10_000, every: 1_000 },
    );
  }

  /** As a load balancer does: a server that cannot be reached is left out, and asked again later. */
  async function reachableServer(
    call: (client: AccountClient) => Promise<Answer>,
  ): Promise<Answer> {
    const urls = [product.endpoints.api, second.url('api')];
    return eventually(
      async () => {
        for (const url of urls.sort(() => Math.random() - 0.5)) {
          try {
            return await call(new AccountClient(url));
          } catch (error) {
            // Nothing but a connection that could not be made, or was closed before an answer.
            if (!(error instanceof TypeError)) throw error;
          }
        }
        throw new Error('no server can be reached');
      },
      { within: 5_000 },
    );
  }

  async function tellStories(lane: number): Promise<void> {
    while (!stopping) {
      const caller = newCaller();
      const step = async (what: string, expected: number, call: Promise<Answer>) => {
        const answer = await call;
        if (answer.status !== expected) {
          failures.push({ lane, what, status: answer.status, body: answer.body });
        }
        return answer.headers.get('Consistency-Token') ?? '';
      };
      try {
        const token = await step(
          'register',
          202,
          anyServer((client) => client.register(caller)),
        );
        const headers = { 'Consistency-Token': token };
        await step(
          'view',
          200,
          anyServer((client) => client.view(caller, headers)),
        );
        const code = await backstage.codeFor(caller);
        await step(
          'activate',
          200,
          anyServer((client) => client.activate(caller, code, headers)),
        );
        storiesTold += 1;
        // A person is no loop: the processors are for the restarts, too.
        await pause(PAUSE_MS);
      } catch (error) {
        failures.push(error);
      }
    }
  }

  async function restartOneByOne(): Promise<void> {
    for (const app of [product.api, second, ...product.workers]) {
      await app.restart();
      const before = storiesTold;
      await eventually(() => expect(storiesTold).toBeGreaterThan(before), { within: 20_000 });
    }
  }

  const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

  async function registered(): Promise<Credentials & { accountId: string }> {
    const caller = newCaller();
    const answer = await anyServer((client) => client.register(caller));
    expect(answer.status).toBe(202);
    return { ...caller, accountId: String(answer.body['accountId']) };
  }

  async function hashOf(accountId: string): Promise<string> {
    const { rows } = await database.query<{ hash: string }>({
      text: `select claims::json -> -1 ->> 'passwordHash' as hash
             from read_model.accounts where account_id = $1`,
      values: [accountId],
    });
    return rows[0]?.hash ?? 'no row yet';
  }

  it(
    'fail no request, and end with the old keys needed for nothing',
    async () => {
      const before = Object.fromEntries(RINGS.map((name) => [name, settings[name] ?? '']));
      const after = Object.fromEntries(RINGS.map((name) => [name, newKey('k2')]));
      const returning = await registered();
      const neverBack = await registered();
      const late = await registered();
      await backstage.codeFor(late);

      for (const name of RINGS) settings[name] = `${before[name]},${after[name]}`;
      await restartOneByOne();
      expect(await hashOf(returning.accountId)).toMatch(/^v2\$k1\$/);

      for (const name of RINGS) settings[name] = `${after[name]},${before[name]}`;
      await restartOneByOne();
      const newcomer = await registered();
      expect(await backstage.recorded(newcomer.accountId, 'ActivationCodeIssued')).toMatchObject({
        keyId: 'k2',
      });
      await eventually(async () => {
        const { rows } = await database.query<{ keys: bigint }>({
          text: `select count(*) as keys from personal_data.account_keys where key_encryption_key_id <> 'k2'`,
        });
        expect(rows[0]?.keys).toBe(0n);
      });
      expect((await anyServer((client) => client.view(returning))).status).toBe(200);
      await eventually(async () => {
        expect(await hashOf(returning.accountId)).toMatch(/^v2\$k2\$/);
      });
      expect((await anyServer((client) => client.view(late))).status).toBe(200);
      await eventually(async () => expect(await hashOf(late.accountId)).toMatch(/^v2\$k2\$/));

      // The lanes have long been using codes of the new key; only `late` still has one of the old.
      for (const name of RINGS) settings[name] = after[name] ?? '';
      await restartOneByOne();
      expect((await anyServer((client) => client.view(returning))).status).toBe(200);
      const dead = await anyServer((client) => client.activate(late, '0000'));
      expectProblem(dead, 409, 'activation-code-missing');
      // Its pepper is gone: as wrong as any other password, and the owner registers again.
      expect((await anyServer((client) => client.view(neverBack))).status).toBe(401);
      expect(
        (
          await anyServer((client) =>
            client.register({ email: neverBack.email, password: neverBack.password }),
          )
        ).status,
      ).toBe(202);

      stopping = true;
      await Promise.all(lanes);
      expect(failures).toEqual([]);
      process.stderr.write(
        `\n${storiesTold} registrations were activated meanwhile, none failed; ${repeated} calls were answered 503 and repeated\n`,
      );
      expect(storiesTold).toBeGreaterThan(20);
    },
    DEADLINE_MS,
  );
});
