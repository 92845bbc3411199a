import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  accepts,
  cutsTheConnection,
  refuses,
  startScriptedProvider,
  staysSilent,
} from '../testing/scripted-provider.js';
import type { ProviderAnswer, ScriptedProvider } from '../testing/scripted-provider.js';
import { HttpMailProvider } from './http-mail-provider.js';
import { MailProviderUnavailable } from './mail.js';

const now = Date.UTC(2026, 10, 22, 12);
const apiKey = 're_secret_key';
const mail = {
  to: 'ada@example.org',
  subject: 'Your activation code',
  text: 'Your activation code is 0421',
  html: '<p>0421</p>',
  tags: { account: '6f9619ff-8b86-8d01-b42d-00cf4fc964ff', issue: '1' },
};

describe('Handing a mail to a provider over HTTP', () => {
  let provider: ScriptedProvider;
  let sender: HttpMailProvider;

  beforeEach(async () => {
    provider = await startScriptedProvider();
    sender = senderTo(provider.url);
  });

  afterEach(async () => {
    sender.close();
    await provider.close();
  });

  function senderTo(url: string, timeoutMs = 2_000): HttpMailProvider {
    return new HttpMailProvider('example', {
      url,
      apiKey,
      from: 'Accounts <no-reply@example.org>',
      clock: () => now,
      timeoutMs,
      failures: 1_000,
      pauseMs: 1_000,
      longestPauseMs: 1_000,
    });
  }

  async function failure(
    attempt = sender.send(mail, 'account/1'),
  ): Promise<MailProviderUnavailable> {
    try {
      await attempt;
    } catch (error) {
      if (error instanceof MailProviderUnavailable) return error;
      throw error;
    }
    throw new Error('the mail was taken');
  }

  it('sends the whole mail, its key, and ours', async () => {
    await sender.send(mail, 'account/1');
    expect(provider.requests).toEqual([
      expect.objectContaining({
        method: 'POST',
        path: '/emails',
        headers: expect.objectContaining({
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': 'account/1',
        }),
        body: expect.objectContaining({
          from: 'Accounts <no-reply@example.org>',
          to: ['ada@example.org'],
          subject: mail.subject,
          text: mail.text,
          html: mail.html,
          tags: [
            { name: 'account', value: mail.tags.account },
            { name: 'issue', value: '1' },
          ],
        }),
      }),
    ]);
  });

  it('returns the id that the provider gave the mail, and when it took it', async () => {
    provider.answers(accepts('4ef9a417'));
    await expect(sender.send(mail, 'account/1')).resolves.toEqual({
      kind: 'accepted',
      providerMessageId: '4ef9a417',
      acceptedAt: now,
    });
  });

  it('takes a base URL with a path and slashes at its end', async () => {
    await senderTo(`${provider.url}/v1//`).send(mail, 'account/1');
    expect(provider.requests[0]?.path).toBe('/v1/emails');
  });

  it.each([400, 402, 404, 413, 422, 451])(
    'takes %i for a refusal that is final',
    async (status) => {
      provider.answers(refuses(status));
      await expect(sender.send(mail, 'account/1')).resolves.toEqual({
        kind: 'refused',
        reason: `the provider answered ${status}`,
      });
    },
  );

  it.each([401, 403, 408, 409, 425, 429, 500, 502, 503, 504])(
    'takes %i for something that another try may mend',
    async (status) => {
      provider.answers(refuses(status));
      const { message, afterMs } = await failure();
      expect(message).toBe(`the e-mail provider did not take the mail: it answered ${status}`);
      expect(afterMs).toBe(0);
    },
  );

  it.each([
    ['7', 7_000],
    ['0', 0],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 11:59:00 GMT', 0],
    ['soon', 0],
    ['-5', 0],
    ['86400', 600_000],
  ])('reads Retry-After: %s', async (header, afterMs) => {
    provider.answers(refuses(429, { 'Retry-After': header }));
    expect((await failure()).afterMs).toBe(afterMs);
  });

  it.each([
    [refuses(500), true],
    [refuses(502), true],
    [refuses(504), true],
    [refuses(409), true],
    [refuses(503), false],
    [refuses(429), false],
    [refuses(401), false],
    [cutsTheConnection, true],
    [((response) => response.writeHead(200).end('{}')) as ProviderAnswer, true],
  ])('says whether the mail may have been taken all the same (%#)', async (answer, inDoubt) => {
    provider.answers(answer);
    expect((await failure()).inDoubt).toBe(inDoubt);
  });

  it('is in doubt after silence, and is not when the connection was refused', async () => {
    provider.answers(staysSilent);
    const silent = await failure(senderTo(provider.url, 100).send(mail, 'account/1'));
    await provider.close();
    const absent = await failure();
    expect([silent.inDoubt, absent.inDoubt]).toEqual([true, false]);
  });

  it('blames the mail alone for a conflict with an earlier try', async () => {
    provider.answers(refuses(409), refuses(500));
    expect((await failure()).ofMailOnly).toBe(true);
    expect((await failure()).ofMailOnly).toBe(false);
  });

  it('knows the conflict that means: a mail with this key was taken, with another body', async () => {
    const conflict =
      (name: string): ProviderAnswer =>
      (response) =>
        response.writeHead(409).end(JSON.stringify({ statusCode: 409, name }));
    provider.answers(conflict('invalid_idempotent_request'));
    await expect(sender.send(mail, 'account/1')).resolves.toEqual({ kind: 'taken-before' });
    provider.answers(conflict('concurrent_idempotent_requests'));
    expect(await failure()).toMatchObject({ inDoubt: true, ofMailOnly: true });
  });

  it('does not wait longer than its timeout', async () => {
    provider.answers(staysSilent);
    const begun = performance.now();
    const { message } = await failure(senderTo(provider.url, 150).send(mail, 'account/1'));
    expect(message).toMatch(/no answer within 150 ms$/);
    expect(performance.now() - begun).toBeLessThan(1_500);
  });

  it('waits no longer for an answer that begins and does not end', async () => {
    provider.answers((response) => response.writeHead(200).write('{"id":'));
    const { message } = await failure(senderTo(provider.url, 150).send(mail, 'account/1'));
    expect(message).toMatch(/no answer within 150 ms$/);
  });

  it('follows no redirect, because the key would go along', async () => {
    const elsewhere = await startScriptedProvider();
    try {
      provider.answers(refuses(307, { Location: `${elsewhere.url}/emails` }));
      expect((await failure()).message).toMatch(/the connection failed/);
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  it.each(['{}', '[]', 'null', '"id"', 'not JSON', '', '{"id":""}', '{"id":null}', '{"id":{}}'])(
    'does not take the answer %j for an acceptance',
    async (body) => {
      provider.answers((response) => response.writeHead(200).end(body));
      expect((await failure()).message).toMatch(/without a message id$/);
    },
  );

  it('does not read an answer without end', async () => {
    provider.answers((response) => response.writeHead(200).end('x'.repeat(2 ** 20)));
    expect(await failure()).toMatchObject({
      message: expect.stringMatching(/the connection failed/),
      inDoubt: true,
    });
  });

  it('takes a cut connection, and none at all, for something that another try may mend', async () => {
    provider.answers(cutsTheConnection);
    expect((await failure()).message).toMatch(/the connection failed \(\w+\)$/);
    await provider.close();
    expect((await failure()).message).toMatch(/the connection failed \(ECONNREFUSED\)$/);
  });

  it('names neither key, address, code nor provider in any error', async () => {
    const faults = [
      refuses(500),
      refuses(307, { Location: 'http://127.0.0.1:1/' }),
      cutsTheConnection,
      ((response) => response.writeHead(200).end(mail.text)) satisfies ProviderAnswer,
    ];
    for (const fault of faults) {
      provider.answers(fault);
      const error = await failure();
      const texts = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
      for (const secret of [apiKey, mail.to, '0421', new URL(provider.url).host]) {
        expect(texts).not.toContain(secret);
      }
    }
  });
});
