import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountClient, Backstage, newCaller } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import {
  MailProvider,
  expectOneLiveMailEach,
  impatience,
  mailsSettled,
  registerMany,
  workerHealth,
} from './mail-provider.js';
import type { ProviderStatus } from './mail-provider.js';

const ACCOUNTS = 20;
const API_KEY = 'key-of-the-provider';

describe('A provider that', () => {
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;
  let provider: MailProvider;

  beforeAll(async () => {
    product = await startProduct({
      environment: { CODE_RESEND_SECONDS: '1', EMAIL_API_KEY: API_KEY, ...impatience },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    provider = new MailProvider(product.endpoints.mailbox);
  }, 60_000);

  afterAll(() => Promise.all([backstage?.close(), product?.stop()]));

  afterEach(() => provider.faults());

  const status = async (): Promise<ProviderStatus> =>
    (await workerHealth(product)).mailProviders[0];

  /** Until the worker has left the provider alone once more than before. */
  const outageAfter = (before: ProviderStatus) =>
    eventually(async () => expect(await status()).toMatchObject({ outages: before.outages + 1 }), {
      within: 10_000,
    });

  const lastingFaults: [what: string, faults: object][] = [
    ['takes longer than the worker waits', { latencyMs: 1_300 }],
    ['never answers', { hang: 1_000_000 }],
    ['answers 500 to everything', { failAlways: { status: 500 } }],
    ['answers 503 to everything', { failAlways: { status: 503 } }],
    ['does not accept our key', { failAlways: { status: 401 } }],
    ['cuts every connection after it took the mail', { dropAfterAccept: 1_000_000 }],
  ];
  it.each(lastingFaults)(
    '%s is left alone until it works again; then every user gets one mail',
    async (_, faults) => {
      const before = await status();
      await provider.faults(faults);
      const accounts = await registerMany(client, ACCOUNTS);
      await outageAfter(before);
      await provider.faults();
      await mailsSettled(product);
      await expectOneLiveMailEach(accounts, client, backstage, () => provider.mails());
      expect(await status()).toMatchObject({ state: 'closed', outages: before.outages + 1 });
    },
    30_000,
  );

  it('answers 429 is asked again when it said, and not before', async () => {
    await provider.faults({ failAlways: { status: 429, retryAfterSeconds: 2 } });
    // Before the provider says anything: whatever this test waits for on a busy machine counts as well.
    const since = Date.now();
    const accounts = await registerMany(client, ACCOUNTS);
    await eventually(async () => expect((await status()).state).toBe('open'));
    const { failed } = await status();
    await provider.faults();
    await mailsSettled(product);
    // The worker did not ask during the pause of the answer, which is longer than our own pauses.
    expect(Date.now() - since).toBeGreaterThan(1_500);
    expect((await status()).failed).toBe(failed);
    await expectOneLiveMailEach(accounts, client, backstage, () => provider.mails());
  }, 30_000);

  it('fails now and then is not left alone', async () => {
    const before = await status();
    await provider.faults({ failNext: { status: 500, count: 3 } });
    const accounts = await registerMany(client, 3);
    await mailsSettled(product);
    await expectOneLiveMailEach(accounts, client, backstage, () => provider.mails());
    expect(await status()).toMatchObject({ state: 'closed', outages: before.outages });
  });

  it('delivers one mail twice was asked once, and the code of both is right', async () => {
    const before = await status();
    await provider.faults({ duplicate: 1 });
    const [account] = await registerMany(client, 1);
    if (!account) throw new Error('no account was registered');
    const code = await backstage.codeFor(account);
    expect((await client.activate(account, code)).status).toBe(200);
    expect(await provider.mails(account.email)).toHaveLength(2);
    expect((await status()).accepted).toBe(before.accepted + 1);
  });

  it('refuses a mail for good is not asked again, and a new code can be had', async () => {
    await provider.faults({ failNext: { status: 422, count: 1 } });
    const caller = newCaller();
    const { body } = await client.register(caller);
    expect(
      await backstage.recorded(body['accountId'], 'ActivationCodeUndeliverable'),
    ).toMatchObject({ reason: 'the provider answered 422', attempts: 1 });
    await eventually(async () => expect((await client.requestCode(caller)).status).toBe(202));
    expect((await client.activate(caller, await backstage.codeFor(caller))).status).toBe(200);
  });

  it('answers that the key was used with another body has taken the mail before: it is on record, once', async () => {
    const caller = newCaller();
    await provider.faults({ recipients: [{ to: caller.email, fail: { status: 409 } }] });
    const { body } = await client.register(caller);
    const { failed } = await status();
    await eventually(async () => expect((await status()).failed).toBeGreaterThan(failed));
    // As a worker of another version worded it, whose acceptance was never recorded.
    const earlier = {
      from: 'a@example.org',
      to: 'b@example.org',
      subject: 'Code',
      text: 'earlier',
    };
    const taken = await fetch(`${product.endpoints.mailbox}/emails`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${API_KEY}`,
        'Idempotency-Key': `${String(body['accountId'])}/1`,
      },
      body: JSON.stringify(earlier),
    });
    expect(taken.status).toBe(200);
    await provider.faults();
    expect(await backstage.recorded(body['accountId'], 'ActivationCodeSent')).toMatchObject({
      issueNumber: 1,
      providerMessageId: 'unknown',
    });
    expect(await provider.mails(caller.email)).toEqual([]);
  });

  it('is down holds up the feed and no registration; superseded codes are never mailed', async () => {
    const before = await status();
    await product.mailbox.kill();
    const accounts = await registerMany(client, ACCOUNTS);
    await outageAfter(before);
    await eventually(async () =>
      expect((await workerHealth(product)).consumers['activation-mail']).toMatchObject({
        state: 'paused',
        lastError: { message: expect.stringMatching(/ECONNREFUSED|left alone/) },
      }),
    );
    const impatient = accounts.slice(0, 5);
    for (const account of impatient) {
      await eventually(async () => expect((await client.requestCode(account)).status).toBe(202));
    }
    const activationMail = (await workerHealth(product)).consumers['activation-mail'];
    expect(activationMail.inFlight).toBeGreaterThan(0);
    expect(activationMail.lagMs).toBeGreaterThan(0);

    await product.mailbox.restart();
    await mailsSettled(product);
    await expectOneLiveMailEach(accounts.slice(5), client, backstage, () => provider.mails());
    const mails = await provider.mails();
    for (const { accountId, email } of impatient) {
      const keys = mails.filter(({ to }) => to.includes(email)).map((mail) => mail.idempotencyKey);
      expect(keys).toEqual([`${accountId}/2`]);
    }
    expect(await status()).toMatchObject({ state: 'closed', outages: before.outages + 1 });
  }, 30_000);
});
