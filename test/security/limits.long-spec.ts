import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccountClient,
  Backstage,
  anotherCode,
  basicAuth,
  expectProblem,
  expectRetryAfter,
  newCaller,
} from '../api/account-client.js';
import type { Answer, Credentials } from '../api/account-client.js';
import { knownSecrets } from '../api/known-secrets.js';
import { relayTo } from '@app/postgres/testing/tcp-relay.js';
import type { TcpRelay } from '@app/postgres/testing/tcp-relay.js';
import { MailProvider } from '../mail/mail-provider.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';

const secrets = knownSecrets();
const limits = {
  TRUSTED_PROXIES: 'loopback',
  REGISTRATIONS_PER_NETWORK_PER_HOUR: '5',
  REGISTRATIONS_PER_ADDRESS_PER_HOUR: '6',
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '4',
  REGISTRATIONS_PER_ADDRESS_AND_NETWORK_PER_DAY: '100',
  WRONG_CODES_PER_NETWORK_PER_HOUR: '4',
  FAILED_LOGINS_PER_NETWORK_PER_HOUR: '8',
  FAILED_LOGINS_PER_ADDRESS_PER_HOUR: '6',
  FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: '3',
  NEW_CODES_PER_NETWORK_PER_HOUR: '2',
  CODE_RESEND_SECONDS: '1',
  MAILS_PER_INBOX_AND_NETWORK_PER_HOUR: '3',
  MAILS_PER_INBOX_PER_DAY: '10',
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
  /** An address in a network that no other client in this spec has. */
  const newNetwork = () => `203.0.${(networks += 1)}.1`;
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
    const from = (index: number) => `2001:db8::${index + 1}`;
    const answers = await times(9, (index) => register(index, newCaller(), from(index)));
    expect(statuses(answers)).toEqual([...Array(5).fill(202), ...Array(4).fill(429)]);
    expect((await register(0, newCaller(), '2001:db8:1::1')).status).toBe(202);
  });

  it.each([
    ['a /56', 10, (index: number) => `2001:db8:56:${index.toString(16)}::1`],
    ['a /48', 20, (index: number) => `2001:db8:48:${(index * 256).toString(16)}::1`],
    ['an IPv4 /24', 20, (index: number) => `192.0.2.${index}`],
  ])(
    'let %s have more than one of its clients, and not as often as it has clients',
    async (...it) => {
      const [, most, from] = it;
      const answers = await times(30, (index) => register(index, newCaller(), from(index + 1)));
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(most);
      expectTooMany(answers.find(({ status }) => status === 429));
    },
  );

  it('cannot be passed by an address that the client made up', async () => {
    const from = newNetwork();
    const answers = await times(9, (index) =>
      register(index, newCaller(), `198.51.100.${index}, ${from}`),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(5);
  });

  it('hold for registrations of one address from one network', async () => {
    const [caller, from] = [newCaller(), newNetwork()];
    const neighbour = from.replace(/1$/, '2');
    const answers = await times(7, (index) =>
      register(index, caller, index % 2 ? from : neighbour),
    );
    expect(statuses(answers)).toEqual([...Array(4).fill(202), ...Array(3).fill(429)]);
    expectTooMany(answers.find(({ status }) => status === 429));
    expect((await register(0, newCaller(), from)).status).toBe(202);
  });

  it('keep half of what an address has for networks that did not register it today', async () => {
    const [caller, from] = [newCaller(), newNetwork()];
    const renewals = async (accountId: unknown) =>
      (await backstage.historyOf(accountId)).filter(({ type }) => type === 'RegistrationRenewed');
    const first = await register(0, caller, from);
    const { accountId } = first.body;
    // Two more of the network make its half of six; then nothing happens, and the answer is the same.
    const more = [];
    for (const index of [1, 2, 3]) more.push(await register(index, caller, from));
    expect(statuses([first, ...more])).toEqual(Array(4).fill(202));
    expect(await renewals(accountId)).toHaveLength(2);
    for (const index of [1, 2, 3])
      expect((await register(index, caller, newNetwork())).status).toBe(202);
    expect(await renewals(accountId)).toHaveLength(5);
    const spent = await register(0, caller, newNetwork());
    expect(await renewals(accountId)).toHaveLength(5);
    expect({ ...spent.body, names: [...spent.headers.keys()] }).toEqual({
      ...first.body,
      names: [...first.headers.keys()],
    });
    expect(spent.headers.get('Consistency-Token')).toHaveLength(
      first.headers.get('Consistency-Token')?.length ?? 0,
    );
  });

  it('leave the owner his mail when strangers fill his inbox, whatever tag or dots they write', async () => {
    const owner = newCaller();
    const [name = '', domain = ''] = owner.email.split('@');
    const inbox = new MailProvider(product.endpoints.mailbox);
    const victims: string[] = [];
    const attack = async (from: string, times: number) => {
      for (let index = 0; index < times; index += 1) {
        const email = `${name.replace('.', index % 2 ? '' : '.')}+${victims.length}@${domain}`;
        victims.push(email);
        const answer = await register(index, { ...owner, email }, from);
        expect({ status: answer.status, body: answer.body }).toEqual({
          status: 202,
          body: { accountId: expect.any(String), message: expect.stringContaining('on its way') },
        });
      }
    };
    // One network gets three mails through, two together six of ten; six networks nine.
    await attack(newNetwork(), 4);
    await attack(newNetwork(), 4);
    for (let networks = 0; networks < 3; networks += 1) await attack(newNetwork(), 3);
    const ownerNetwork = newNetwork();
    expect((await register(0, owner, ownerNetwork)).status).toBe(202);
    const code = await backstage.codeFor(owner);
    const arrived = await Promise.all(victims.map((email) => inbox.mails(email)));
    expect(arrived.flat()).toHaveLength(9);
    const from = { 'X-Forwarded-For': ownerNetwork };
    expect((await server(0).activate(owner, code, from)).status).toBe(200);
    // Nothing more, and nothing in the answer says so.
    await attack(newNetwork(), 1);
    expect(await inbox.mails(victims.at(-1))).toEqual([]);
  });

  it('hold for new codes of one inbox from one network', async () => {
    const [caller, from] = [newCaller(), newNetwork()];
    await register(0, caller, from);
    await backstage.codeFor(caller);
    const request = () =>
      server(0).call('/v1/account/activation-code', {
        method: 'POST',
        headers: { Authorization: basicAuth(caller), 'X-Forwarded-For': from },
      });
    for (const mails of [2, 3]) {
      await pause(1_100);
      await request();
      await backstage.codeFor(caller, mails);
    }
    await pause(1_100);
    expectTooMany(await request());
  });

  it('hold for wrong codes from one network, over all accounts, and cost a right one nothing', async () => {
    const from = newNetwork();
    const ada = newCaller();
    await register(0, ada, newNetwork());
    const code = await backstage.codeFor(ada);
    const callers = await times(4, async (index) => {
      const caller = newCaller();
      await register(index, caller, newNetwork());
      return { caller, code: await backstage.codeFor(caller) };
    });
    const guess = (index: number, caller: Credentials, offered: unknown) =>
      server(index).activate(caller, offered, { 'X-Forwarded-For': from });
    expect((await guess(0, ada, 'no code')).status).toBe(400);
    expect((await guess(0, ada, code)).status).toBe(200);
    const answers = await times(6, (index) => {
      const { caller, code: right } = callers[index % 4] ?? { caller: ada, code };
      return guess(index, caller, anotherCode(right));
    });
    expect(statuses(answers)).toEqual([...Array(4).fill(422), ...Array(2).fill(429)]);
    expectTooMany(answers.find(({ status }) => status === 429));
    // From elsewhere the owner goes on.
    const [{ caller, code: right } = { caller: ada, code }] = callers;
    const elsewhere = { 'X-Forwarded-For': newNetwork() };
    expect((await server(0).activate(caller, right, elsewhere)).status).toBe(200);
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
    expect((await view(0, known, '198.51.200.1')).status).toBe(200);
    for (const caller of [known, newCaller()]) {
      const answers = await times(100, (index) =>
        view(index, { ...caller, password: `wrong ${index}` }, `198.51.${index}.1`),
      );
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(6);
      expectTooMany(answers.find(({ status }) => status === 429));
    }
    // The network that proved the password is not locked out, at the other server either.
    for (const index of [0, 1]) expect((await view(index, known, '198.51.200.9')).status).toBe(200);
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
    expect(lines.join('\n')).not.toMatch(/203\.0\.\d|198\.51\.|192\.0\.2\.|2001:db8|@example\.org/);
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
