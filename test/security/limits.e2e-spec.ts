import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccountClient,
  Backstage,
  basicAuth,
  expectProblem,
  expectRetryAfter,
  newCaller,
} from '../api/account-client.js';
import type { Answer, Credentials } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { relayTo } from '@app/postgres/testing/tcp-relay.js';
import type { TcpRelay } from '@app/postgres/testing/tcp-relay.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';

const secrets = knownSecrets();
const limits = {
  TRUSTED_PROXIES: 'loopback',
  REGISTRATIONS_PER_NETWORK_PER_HOUR: '5',
  REGISTRATIONS_PER_ADDRESS_PER_HOUR: '4',
  FAILED_LOGINS_PER_NETWORK_PER_HOUR: '8',
  FAILED_LOGINS_PER_ADDRESS_PER_HOUR: '6',
  FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '3',
  NEW_CODES_PER_NETWORK_PER_HOUR: '2',
  CODE_RESEND_SECONDS: '1',
};

describe('Limits over the whole product, with two servers', () => {
  let product: Product;
  let second: RestartableApp;
  let relay: TcpRelay;
  let backstage: Backstage;
  let servers: readonly AccountClient[];
  let networks = 0;

  beforeAll(async () => {
    product = await startProduct({ environment: secrets, api: limits });
    relay = await relayTo(product.endpoints.database);
    second = await startRestartableApp('accounts-api/src', () => ({
      ...secrets,
      ...limits,
      BCRYPT_COST: '4',
      API_PORT: '0',
      INTERNAL_PORT: '0',
      EVENTSTORE_URL: product.endpoints.eventstore,
      DATABASE_URL: relay.url,
    }));
    backstage = new Backstage(product);
    servers = [product.endpoints.api, second.url('api')].map((url) => new AccountClient(url));
  });
  afterAll(async () => {
    await backstage.close();
    await second.stop();
    await relay.close();
    await product.stop();
  });

  const server = (index: number) => servers[index % servers.length] as AccountClient;
  /** An address that no other client in this spec has. */
  const newNetwork = () => `203.0.113.${(networks += 1)}`;
  const register = (index: number, caller: Credentials, from: string) =>
    server(index).post('/v1/accounts', caller, { 'X-Forwarded-For': from });
  const view = (index: number, caller: Credentials, from: string) =>
    server(index).view(caller, { 'X-Forwarded-For': from });
  const times = <Result>(count: number, act: (index: number) => Promise<Result>) =>
    Promise.all(Array.from({ length: count }, (_, index) => act(index)));
  const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort();

  function expectTooMany(answer: Answer | undefined): void {
    if (answer === undefined) throw new Error('nothing was answered');
    expectProblem(answer, 429, 'too-many-requests');
    expectRetryAfter(answer, 1, 3_600);
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
  }

  it('hold for registrations of one network, whichever server takes them', async () => {
    const from = newNetwork();
    const answers = await times(14, (index) => register(index, newCaller(), from));
    expect(statuses(answers)).toEqual([...Array(5).fill(202), ...Array(9).fill(429)]);
    expectTooMany(answers.find(({ status }) => status === 429));
    expect((await register(0, newCaller(), newNetwork())).status).toBe(202);
  });

  it('count an IPv6 network of /64 as one caller', async () => {
    const from = (index: number) => `2001:db8:0:${networks}::${index + 1}`;
    const answers = await times(9, (index) => register(index, newCaller(), from(index)));
    expect(statuses(answers)).toEqual([...Array(5).fill(202), ...Array(4).fill(429)]);
    expect((await register(0, newCaller(), '2001:db8:1::1')).status).toBe(202);
  });

  it('cannot be passed by an address that the client made up', async () => {
    const from = newNetwork();
    const answers = await times(9, (index) =>
      register(index, newCaller(), `198.51.100.${index}, ${from}`),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
  });

  it('hold for registrations of one address from anywhere, and answer alike whatever it has', async () => {
    const caller = newCaller();
    const answers = await times(7, (index) => register(index, caller, newNetwork()));
    expect(statuses(answers)).toEqual([...Array(4).fill(202), ...Array(3).fill(429)]);
    expectTooMany(answers.find(({ status }) => status === 429));
  });

  it('cost an invalid registration nothing', async () => {
    const from = newNetwork();
    await times(12, (index) => register(index, { email: 'nobody', password: 'x' }, from));
    expect((await register(0, newCaller(), from)).status).toBe(202);
  });

  it('hold for wrong passwords of 100 addresses tried by one network', async () => {
    const from = newNetwork();
    const answers = await times(100, (index) => view(index, newCaller(), from));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(8);
    expectTooMany(answers.find(({ status }) => status === 429));
  });

  it('hold for wrong passwords of one address tried by 100 networks, known or not', async () => {
    const known = newCaller();
    expect((await register(0, known, newNetwork())).status).toBe(202);
    expect((await view(0, known, '198.51.100.200')).status).toBe(200);
    for (const caller of [known, newCaller()]) {
      const answers = await times(100, (index) =>
        view(index, { ...caller, password: `wrong ${index}` }, `198.51.100.${index}`),
      );
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(6);
      expectTooMany(answers.find(({ status }) => status === 429));
    }
    // Who proved the password at this server a moment ago is not locked out.
    expect((await view(0, known, '198.51.100.200')).status).toBe(200);
  });

  it('leave the owner alone when one network spends its own tries on the address', async () => {
    const caller = newCaller();
    await register(0, caller, newNetwork());
    const attacker = newNetwork();
    const answers = await times(10, (index) =>
      view(0, { ...caller, password: `wrong ${index}` }, attacker),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3);
    expect((await view(0, caller, newNetwork())).status).toBe(200);
  });

  it('hold for new codes of one network', async () => {
    const from = newNetwork();
    const callers = await times(3, async () => {
      const caller = newCaller();
      expect((await register(0, caller, newNetwork())).status).toBe(202);
      await backstage.codeFor(caller);
      return caller;
    });
    const requests = await times(3, (index) =>
      server(0).call('/v1/account/activation-code', {
        method: 'POST',
        headers: {
          Authorization: basicAuth(callers[index] as Credentials),
          'X-Forwarded-For': from,
        },
      }),
    );
    const tooMany = requests.filter(({ body }) => body['type'] === '/problems/too-many-requests');
    expect(tooMany).toHaveLength(1);
    expectTooMany(tooMany[0]);
  });

  it('are logged as security events, by id, without addresses of any kind', () => {
    const lines = [product.api, second].flatMap((app) => app.output().trim().split('\n'));
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const names = new Set(logged.flatMap(({ securityEvent }) => securityEvent ?? []));
    for (const name of [
      'excess_rate_limit_exceeded',
      'authn_login_lock',
      'authn_login_fail',
      'user_created',
    ]) {
      expect(names).toContain(name);
    }
    expect(lines.join('\n')).not.toMatch(/203\.0\.113|198\.51\.100|2001:db8|@example\.org/);
  });

  it('let no call through while they cannot be counted', async () => {
    relay.freeze();
    const [registration, login] = await Promise.all([
      register(1, newCaller(), newNetwork()),
      view(1, newCaller(), newNetwork()),
    ]);
    for (const answer of [registration, login]) {
      expectProblem(answer, 503, 'service-unavailable');
      expectRetryAfter(answer, 1, 10);
    }
  });
});
