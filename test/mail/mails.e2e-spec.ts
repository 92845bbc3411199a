import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountClient, Backstage, expectProblem, newCaller } from '../api/account-client.js';
import type { Answer } from '../api/account-client.js';
import { eventually } from '../support/eventually.js';
import { startProduct } from '../support/product.js';
import type { Product } from '../support/product.js';
import { MailProvider, mailsSettled, workerMetric } from './mail-provider.js';

const webhookKey = randomBytes(32);

describe('Mails of the product', () => {
  let product: Product;
  let client: AccountClient;
  let backstage: Backstage;
  let mailbox: MailProvider;

  beforeAll(async () => {
    product = await startProduct({
      environment: { CODE_RESEND_SECONDS: '1' },
      api: { MAIL_WEBHOOK_KEY: `whsec_${webhookKey.toString('base64')}` },
    });
    client = new AccountClient(product.endpoints.api);
    backstage = new Backstage(product);
    mailbox = new MailProvider(product.endpoints.mailbox);
  }, 60_000);

  afterAll(() => Promise.all([backstage?.close(), product?.stop()]));

  async function activeCaller() {
    const caller = newCaller();
    const { body } = await client.register(caller);
    const code = await backstage.codeFor(caller);
    expect((await client.activate(caller, code)).status).toBe(200);
    return { ...caller, accountId: String(body['accountId']) };
  }

  function tell(message: object, { id = randomUUID(), ageSeconds = 0 } = {}): Promise<Answer> {
    const body = JSON.stringify(message);
    const timestamp = String(Math.round(Date.now() / 1_000) - ageSeconds);
    const mac = createHmac('sha256', webhookKey)
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64');
    return client.post('/v1/mail-events', body, {
      'svix-id': id,
      'svix-timestamp': timestamp,
      'svix-signature': `v1,${mac}`,
    });
  }

  const news = (type: string, accountId: unknown, issue = 1, bounce?: object) => ({
    type,
    created_at: new Date().toISOString(),
    data: { tags: { account: accountId, issue: String(issue) }, ...(bounce && { bounce }) },
  });

  it.each([
    ['fr-CA, fr;q=0.9, en;q=0.5', "Votre code d'activation"],
    ['en-GB', 'Your activation code'],
    ['de, ja;q=0.5', 'Ihr Aktivierungscode'],
    ['es-MX', 'Su código de activación'],
    ['it, ja;q=0.5', 'Your activation code'],
  ])('come in the language of the request (%s)', async (language, subject) => {
    const caller = newCaller();
    await client.post('/v1/accounts', caller, { 'Accept-Language': language });
    await backstage.codeFor(caller);
    expect(await mailbox.mails(caller.email)).toMatchObject([{ subject }]);
  });

  it('come in the language of the registration when another code is asked for', async () => {
    const caller = newCaller();
    await client.post('/v1/accounts', caller, { 'Accept-Language': 'fr' });
    await backstage.codeFor(caller);
    await eventually(async () => {
      const answer = await client.requestCode(caller);
      expect(answer.status).toBe(202);
    });
    await backstage.codeFor(caller, 2);
    const subjects = (await mailbox.mails(caller.email)).map(({ subject }) => subject);
    expect(subjects).toEqual(["Votre code d'activation", "Votre code d'activation"]);
  });

  it('tell the owner of an active account once, in his language, that a caller registered the address', async () => {
    const owner = await activeCaller();
    const stranger = newCaller();
    const asked = { email: owner.email, password: 'another long enough password' };
    const again = await Promise.all(
      Array.from({ length: 6 }, () =>
        client.post('/v1/accounts', asked, { 'Accept-Language': 'fr' }),
      ),
    );
    const fresh = await client.register(stranger);
    await backstage.recorded(owner.accountId, 'OwnerNotified');
    await mailsSettled(product);

    for (const answer of again) {
      expect(answer.status).toBe(202);
      expect(Object.keys(answer.body)).toEqual(Object.keys(fresh.body));
      expect(answer.body['message']).toBe(fresh.body['message']);
      expect([...answer.headers.keys()].sort()).toEqual([...fresh.headers.keys()].sort());
    }
    const history = (await backstage.historyOf(owner.accountId)).map(({ type }) => type);
    expect(history.filter((type) => type === 'RegistrationRefused')).toHaveLength(1);
    expect(history.filter((type) => type === 'OwnerNoticeIssued')).toHaveLength(1);
    const [notice, ...others] = await mailbox.mails(owner.email);
    expect(notice).toMatchObject({
      subject: 'Somebody tried to register your address',
      idempotencyKey: `${owner.accountId}/notice/1`,
    });
    expect(others).toHaveLength(1);
    expect((await client.view(owner)).status).toBe(200);
  });

  it('that were delivered are known to have been', async () => {
    const { accountId } = await activeCaller();
    expect((await tell(news('email.delivered', accountId))).status).toBe(204);
    expect(await backstage.recorded(accountId, 'ActivationMailDelivered')).toMatchObject({
      issueNumber: 1,
    });
  });

  it('that came back for good make their code undeliverable, and another can be had', async () => {
    const caller = newCaller();
    const { body } = await client.register(caller);
    const code = await backstage.codeFor(caller);
    await backstage.recorded(body['accountId'], 'ActivationCodeSent');
    const message = news('email.bounced', body['accountId'], 1, { type: 'Permanent' });
    const id = randomUUID();
    expect((await tell(message, { id })).status).toBe(204);
    expect((await tell(message, { id })).status).toBe(204);
    const history = await backstage.historyOf(body['accountId']);
    expect(history.filter(({ type }) => type === 'ActivationMailBounced')).toHaveLength(1);
    expectProblem(await client.activate(caller, code), 409, 'activation-code-missing');

    await eventually(async () => expect((await client.requestCode(caller)).status).toBe(202));
    const newCode = await backstage.codeFor(caller, 2);
    expect((await client.activate(caller, newCode)).status).toBe(200);
  });

  it('are reported as spam only by an authentic, recent message', async () => {
    const { accountId } = await activeCaller();
    const message = news('email.complained', accountId);
    expectProblem(await client.post('/v1/mail-events', message), 403, 'mail-event-not-authentic');
    expectProblem(await tell(message, { ageSeconds: 301 }), 403, 'mail-event-not-authentic');
    const history = (await backstage.historyOf(accountId)).map(({ type }) => type);
    expect(history).not.toContain('ActivationMailReportedAsSpam');
  });

  it('are counted, and their feed can be watched', async () => {
    await mailsSettled(product);
    const mails = await mailbox.mails();
    const accepted = 'mail_provider_tries_total{provider="first",outcome="accepted"}';
    expect(await workerMetric(product, accepted)).toBe(mails.length);
    expect(
      await workerMetric(product, 'mail_provider_state{provider="first",state="closed"}'),
    ).toBe(1);
    expect(await workerMetric(product, 'saga_lag_seconds{saga="activation-mail"}')).toBe(0);
    const position = 'saga_checkpoint_position{saga="activation-mail"}';
    const end = await backstage.endOfLog();
    await eventually(async () => expect(await workerMetric(product, position)).toBe(Number(end)));
  });
});

describe('Without a key for them', () => {
  it('messages of a provider are answered 404', async () => {
    const product = await startProduct();
    try {
      const client = new AccountClient(product.endpoints.api);
      expectProblem(await client.post('/v1/mail-events', {}), 404, 'not-found');
    } finally {
      await product.stop();
    }
  });
});
