import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { startRestartableApp } from '../support/restartable-app.js';
import type { RestartableApp } from '../support/restartable-app.js';
import {
  AccountClient,
  Backstage,
  anotherCode,
  expectProblem,
  expectRetryAfter,
  newCaller,
} from './account-client.js';
import type { Answer, Credentials } from './account-client.js';
import { comparable } from '../security/equal-answers.js';
import { knownSecrets } from './known-secrets.js';

const UUID_V8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TOKEN = /^[A-Za-z0-9_-]{80}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('Registration over the whole product', () => {
  const secrets = knownSecrets();
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;

  beforeAll(async () => {
    product = await startProduct({ environment: secrets });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
  });
  afterAll(async () => {
    await backstage.close();
    await product.stop();
  });

  /** Registered, and the mail with the code is here. */
  async function registered(): Promise<{ caller: Credentials; accountId: unknown; code: string }> {
    const caller = newCaller();
    const { status, body } = await client.register(caller);
    expect(status).toBe(202);
    return { caller, accountId: body['accountId'], code: await backstage.codeFor(caller) };
  }

  it('goes from an address to an active account', async () => {
    const caller = newCaller();
    const registration = await client.register(caller);
    expect(registration.status).toBe(202);
    expect(registration.body).toEqual({
      accountId: expect.stringMatching(UUID_V8),
      message: 'If this address can be activated, a message with an activation code is on its way.',
    });
    expect(registration.headers.get('Consistency-Token')).toMatch(TOKEN);
    const { accountId } = registration.body;

    // At once: the same server knows what was just written through it.
    const pending = await client.view(caller);
    expect(pending.status).toBe(200);
    expect(pending.body).toEqual({
      accountId,
      email: caller.email,
      status: 'pending',
      registeredAt: expect.stringMatching(INSTANT),
      activatedAt: null,
      // Before the read model or the mail have got anywhere.
      activation: expect.objectContaining({
        attemptsLeft: 3,
        newCodeAllowedAt: expect.stringMatching(INSTANT),
      }),
    });

    const code = await backstage.codeFor(caller);
    const typesOfEvents = async () =>
      (await backstage.historyOf(accountId)).map(({ type }) => type).toSorted();
    // Nothing is recorded of a mail to a caller who is active before the worker has the provider's answer.
    await eventually(async () => expect(await typesOfEvents()).toContain('ActivationCodeSent'));
    const wrong = await client.activate(caller, anotherCode(code));
    expectProblem(wrong, 422, 'activation-code-incorrect');
    expect(wrong.body['attemptsLeft']).toBe(2);

    const right = await client.activate(caller, code);
    expect(right.status).toBe(200);
    expect(right.body).toEqual({
      accountId,
      status: 'active',
      activatedAt: expect.stringMatching(INSTANT),
    });
    expect(right.headers.get('Consistency-Token')).toMatch(TOKEN);

    const active = await client.view(caller);
    expect(active.body).toEqual({
      ...pending.body,
      status: 'active',
      activatedAt: right.body['activatedAt'],
      activation: null,
    });
    expectProblem(await client.activate(caller, code), 409, 'account-already-active');
    expectProblem(await client.requestCode(caller), 409, 'account-already-active');

    expect(await typesOfEvents()).toEqual([
      'AccountActivated',
      'AccountRegistered',
      'ActivationCodeIssued',
      'ActivationCodeSent',
      'ActivationRefused',
    ]);
  });

  it('answers 401 to a wrong password and to an unknown address alike', async () => {
    const { caller } = await registered();
    const answers = [
      await client.view({ ...caller, password: 'wrong horse battery staple' }),
      await client.view(newCaller()),
      await client.call('/v1/account'),
      await client.activate({ ...caller, password: 'wrong horse' }, '0000'),
      await client.requestCode(newCaller()),
    ];
    for (const answer of answers) {
      expectProblem(answer, 401, 'unauthenticated');
      expect(answer.headers.get('WWW-Authenticate')).toBe(
        'XBasic realm="account", charset="UTF-8"',
      );
    }
    expect(new Set(answers.map((answer) => withoutIds(answer))).size).toBe(1);
  });

  it('burns a code after three wrong guesses', async () => {
    const { caller, code } = await registered();
    for (const attemptsLeft of [2, 1, 0]) {
      const wrong = await client.activate(caller, anotherCode(code));
      expectProblem(wrong, 422, 'activation-code-incorrect');
      expect(wrong.body['attemptsLeft']).toBe(attemptsLeft);
    }
    for (const guess of [code, anotherCode(code)]) {
      expectProblem(await client.activate(caller, guess), 410, 'activation-code-exhausted');
    }
    expect((await client.view(caller)).body['status']).toBe('pending');
  });

  it('has no code to activate with when the mail could not be delivered', async () => {
    await backstage.mailFaults({ failAlways: { status: 422 } });
    const caller = newCaller();
    try {
      const { body } = await client.register(caller);
      await backstage.recorded(body['accountId'], 'ActivationCodeUndeliverable');
    } finally {
      await backstage.mailFaults();
    }
    expectProblem(await client.activate(caller, '0000'), 409, 'activation-code-missing');
  });

  it('gives no new code at once', async () => {
    const { caller, code } = await registered();
    const refusal = await client.requestCode(caller);
    expectProblem(refusal, 429, 'activation-code-requested-too-soon');
    expectRetryAfter(refusal, 1, 30);
    expect((await client.activate(caller, code)).status).toBe(200);
  });

  it('takes the newest registration of a pending address: its password counts, the old one is void', async () => {
    const { caller, accountId, code } = await registered();
    const owner = { ...caller, password: 'another horse entirely' };
    const again = await client.register(owner);
    expect(again.status).toBe(202);
    expect(again.body['accountId']).toBe(accountId);
    expectProblem(await client.view(caller), 401, 'unauthenticated');
    expectProblem(await client.activate(caller, code), 401, 'unauthenticated');
    expect((await client.view(owner)).body['status']).toBe('pending');
    expect((await client.activate(owner, code)).status).toBe(200);
    expectProblem(await client.view(caller), 401, 'unauthenticated');
  });

  it('answers the same whether the address is new, pending or active, and keeps an active one as it is', async () => {
    const { caller, accountId, code } = await registered();
    const fresh = await client.register(newCaller());
    const pending = await client.register(caller);
    expect((await client.activate(caller, code)).status).toBe(200);
    const active = await client.register({ ...caller, password: 'password of an intruder' });
    expect(active.body['accountId']).toBe(accountId);
    const [first, ...others] = [fresh, pending, active].map((answer) => ({
      status: answer.status,
      text: answer.text.replace(String(answer.body['accountId']), '<id>'),
      headers: [...answer.headers].map(comparable),
    }));
    for (const other of others) expect(other).toEqual(first);
    expect((await client.view(caller)).body['status']).toBe('active');
    expectProblem(
      await client.view({ ...caller, password: 'password of an intruder' }),
      401,
      'unauthenticated',
    );
  });

  it('knows an address in every spelling', async () => {
    const { caller, accountId } = await registered();
    const shouted = { ...caller, email: caller.email.toUpperCase() };
    expect((await client.register(shouted)).body['accountId']).toBe(accountId);
    expect((await client.view(caller)).body).toMatchObject({ accountId, email: shouted.email });
  });

  it('takes international addresses, and passwords of 64 emoji in any normal form', async () => {
    const [name = ''] = newCaller().email.split('@');
    const emoji = Array.from({ length: 63 }, (_, index) =>
      String.fromCodePoint(0x1f600 + ((index * index) % 41)),
    ).join('');
    const caller = {
      email: `${name}.zo\u00eb@b\u00fccher.example`,
      password: emoji + 'e\u0301',
    };
    expect((await client.register(caller)).status).toBe(202);
    const other = {
      email: `${name}.zoe\u0308@xn--bcher-kva.example`,
      password: emoji + '\u00e9',
    };
    expect((await client.view(other)).body).toMatchObject({ email: caller.email });
  });

  it('succeeds exactly once for 50 right codes at a time', async () => {
    const { caller, accountId, code } = await registered();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.activate(caller, code)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expectProblem(answer, 409, 'account-already-active');
    }
    const history = await backstage.historyOf(accountId);
    expect(history.filter(({ type }) => type === 'AccountActivated')).toHaveLength(1);
  });

  it('evaluates three of 50 wrong codes at a time', async () => {
    const { caller, accountId, code } = await registered();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.activate(caller, anotherCode(code))),
    );
    const evaluated = answers.filter(({ status }) => status === 422);
    expect(evaluated.map(({ body }) => body['attemptsLeft']).toSorted()).toEqual([0, 1, 2]);
    for (const answer of answers.filter(({ status }) => status !== 422)) {
      expectProblem(answer, 410, 'activation-code-exhausted');
    }
    const refusals = (await backstage.historyOf(accountId)).filter(
      ({ type }) => type === 'ActivationRefused',
    );
    expect(refusals).toHaveLength(4);
  });

  describe('with a second server', () => {
    let second: RestartableApp;
    let elsewhere: AccountClient;

    beforeAll(async () => {
      second = await startRestartableApp('accounts-api/src', () => ({
        ...secrets,
        BCRYPT_COST: '4',
        API_PORT: '0',
        EVENTSTORE_URL: product.endpoints.eventstore,
        DATABASE_URL: product.databaseUrls.api,
      }));
      elsewhere = new AccountClient(second.url('api'));
    });
    afterAll(() => second.stop());

    /** While `work` lasts nothing new gets into the read model. */
    async function whileReadModelStands(work: () => Promise<void>): Promise<void> {
      const [worker] = product.workers;
      process.kill(worker.pid, 'SIGSTOP');
      try {
        await work();
      } finally {
        process.kill(worker.pid, 'SIGCONT');
      }
    }

    it('waits for a write that its caller made through the first', async () => {
      const caller = newCaller();
      let token = '';
      await whileReadModelStands(async () => {
        token = (await client.register(caller)).headers.get('Consistency-Token') ?? '';
        // Without the token it cannot know.
        expectProblem(await elsewhere.view(caller), 401, 'unauthenticated');
        for (const answer of await Promise.all([
          elsewhere.view(caller, { 'Consistency-Token': token }),
          client.view(caller),
        ])) {
          expectProblem(answer, 503, 'service-unavailable');
          expectRetryAfter(answer, 1, 2);
        }
      });
      const answer = await elsewhere.view(caller, { 'Consistency-Token': token });
      expect(answer.status).toBe(200);
      expect((await client.view(caller)).status).toBe(200);
    });

    it('is as strict about guesses as one alone', async () => {
      const { caller, code } = await registered();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? client : elsewhere).activate(caller, anotherCode(code)),
        ),
      );
      expect(answers.filter(({ status }) => status === 422)).toHaveLength(3);
      expect(answers.filter(({ status }) => status === 410)).toHaveLength(17);
    });
  });

  it('writes no secret to its log', async () => {
    const { caller, code } = await registered();
    await client.view(caller);
    await client.activate({ ...caller, password: 'canary of a password' }, code);
    await client.activate(caller, code);
    const logs = product.api.output() + product.workers[0].output();
    for (const secret of [caller.email, caller.password, 'canary of a password', 'example.org']) {
      expect(logs).not.toContain(secret);
    }
    expect(logs).not.toMatch(new RegExp(`"code":|"${code}"`));
  });
});

function withoutIds({ status, headers, text }: Answer): string {
  const id = headers.get('X-Request-Id') ?? '';
  return `${status} ${text.replaceAll(id, '<id>')}`;
}
