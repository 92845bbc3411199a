import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { UnknownKey } from '@app/account-secrets';
import { accountStreamName, defaultActivationPolicy } from '@app/accounts';
import {
  accountActivated,
  accountRegistered,
  codeIssued,
  codeSent,
  codeUndeliverable,
  mailBounced,
  MINUTE,
  noon,
  registrationRenewed,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import {
  ExampleAccount,
  RecordingMailProvider,
  accountId,
  correlationId,
  eventId,
  exampleCodes,
} from '../testing/worker-examples.js';
import { EventStoreUnavailable } from '@app/event-store';
import type { RecordedEvent } from '@app/event-store';
import { MailProviderUnavailable } from '../mail-delivery/mail.js';
import { SendActivationCodeHandler } from './send-activation-code.handler.js';
import {
  ActivationCodeIssuedEvent,
  SendActivationCodeCommand,
} from './send-activation-code.saga.js';

const streamName = accountStreamName(accountId);
const registered = [accountRegistered(), codeIssued()] as const;

describe('Sending an activation code', () => {
  let account: ExampleAccount;
  let provider: RecordingMailProvider;
  let handler: SendActivationCodeHandler;
  let now = noon;

  beforeEach(() => {
    now = noon + SECOND;
    account = new ExampleAccount();
    provider = new RecordingMailProvider(() => now);
    handler = newHandler();
  });

  function newHandler(): SendActivationCodeHandler {
    const clock = () => now;
    return new SendActivationCodeHandler(
      account.accounts,
      defaultActivationPolicy,
      clock,
      exampleCodes(),
      provider.alone(),
    );
  }

  function send(issueNumber = 1, delivered?: readonly RecordedEvent[]): Promise<void> {
    const { data } = codeIssued(issueNumber);
    const whence = [eventId, correlationId, () => delivered] as const;
    const issued = new ActivationCodeIssuedEvent(accountId, data, ...whence);
    return handler.execute(new SendActivationCodeCommand(issued));
  }

  async function events(): Promise<RecordedEvent[]> {
    const all: RecordedEvent[] = [];
    for await (const event of account.store.readStream(streamName)) all.push(event);
    return all;
  }

  async function newest() {
    return (await account.history()).at(-1);
  }

  it('mails the code that the account would accept, at the address', async () => {
    await account.happened(...registered);
    await send();
    const code = exampleCodes().codeFor(accountId, codeIssued().data);
    expect(provider.sent).toEqual([
      {
        mail: expect.objectContaining({
          to: 'Ada@example.org',
          text: expect.stringContaining(code),
          tags: { account: accountId, issue: '1' },
        }),
        idempotencyKey: `${accountId}/1`,
      },
    ]);
  });

  it('decides on what was delivered with the event, without a read', async () => {
    await account.happened(...registered);
    const delivered = await events();
    const readStream = jest.spyOn(account.store, 'readStream');
    await send(1, delivered);
    expect(provider.sent).toHaveLength(1);
    expect(readStream).not.toHaveBeenCalled();
    readStream.mockRestore();
    expect(await newest()).toMatchObject({ type: 'ActivationCodeSent' });
  });

  it('records nothing in the wrong place when more was appended since the delivery', async () => {
    await account.happened(...registered);
    const delivered = await events();
    await account.happened(codeIssued(2, noon + MINUTE));
    await send(1, delivered);
    // As after a read a moment before: the code was replaced while its mail was under way, and nothing is recorded of it.
    expect(await newest()).toMatchObject({ type: 'ActivationCodeIssued' });
  });

  it('mails it in the language, and as the address was typed, of the claim that asked for it', async () => {
    const stranger = { network: 'elsewhere', address: 'aDA@example.org', language: 'en' } as const;
    await account.happened(
      accountRegistered(),
      registrationRenewed(noon, stranger),
      codeIssued(1, noon, 2),
    );
    await send();
    await account.happened(codeIssued(2, noon + MINUTE));
    await send(2);
    expect(provider.sent.map(({ mail: { subject, to } }) => [subject, to])).toEqual([
      ['Your activation code', 'aDA@example.org'],
      ["Votre code d'activation", 'Ada@example.org'],
    ]);
  });

  it('records that it was sent, from the moment of acceptance, and why', async () => {
    await account.happened(...registered);
    const acceptedAt = noon + 2 * SECOND;
    provider.answers({ kind: 'accepted', providerMessageId: 'message-1', acceptedAt });
    await send();
    expect(await newest()).toEqual({
      ...codeSent(1, acceptedAt),
      metadata: {
        schemaVersion: 1,
        $correlationId: correlationId,
        $causationId: eventId,
        actor: 'worker',
        chain: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  });

  const settled = {
    'was sent': [...registered, codeSent()],
    'was given up': [...registered, codeUndeliverable(1, noon)],
    'bounced for good': [...registered, mailBounced(1, 'permanent', noon)],
    'was replaced by a newer one': [...registered, codeIssued(2, noon)],
    'has activated the account': [...registered, accountActivated(1, noon)],
    'does not exist': [accountRegistered()],
  } as const;
  for (const [what, [first, ...rest]] of Object.entries(settled)) {
    it(`does nothing when the code ${what}`, async () => {
      await account.happened(first, ...rest);
      await send();
      expect(provider.sent).toEqual([]);
      expect(await account.history()).toHaveLength(1 + rest.length);
    });
  }

  it('sends the code of a registration that was renewed meanwhile', async () => {
    await account.happened(...registered, registrationRenewed(noon));
    await send();
    expect(provider.sent).toHaveLength(1);
  });

  it('does nothing for an account that does not exist', async () => {
    await send();
    expect(provider.sent).toEqual([]);
  });

  it('repeated after it was recorded sends nothing again', async () => {
    await account.happened(...registered);
    await send();
    await send();
    expect(provider.sent).toHaveLength(1);
  });

  it('repeated by another process before it was recorded sends the very same mail', async () => {
    await account.happened(...registered);
    provider.answers(new MailProviderUnavailable('no answer', { inDoubt: true }));
    await expect(send()).rejects.toThrow(MailProviderUnavailable);
    now += 40 * SECOND;
    handler = newHandler();
    await send();
    expect(provider.sent).toHaveLength(2);
    expect(provider.sent[1]).toEqual(provider.sent[0]);
  });

  for (const [what, later] of Object.entries({ soon: SECOND, 'too late': 15 * MINUTE })) {
    it(`accepted and not on record, because the append failed, is recorded ${what} and not sent again`, async () => {
      await account.happened(...registered);
      const acceptedAt = now;
      provider.answers(async () => {
        account.store.goAway();
        return { kind: 'accepted', providerMessageId: 'message-1', acceptedAt };
      });
      await expect(send()).rejects.toThrow(EventStoreUnavailable);
      account.store.comeBack();
      now += later;
      await send();
      expect(provider.sent).toHaveLength(1);
      expect(await newest()).toMatchObject({
        type: 'ActivationCodeSent',
        data: { sentAt: acceptedAt, providerMessageId: 'message-1' },
      });
    });
  }

  it('counts as sent when its key was used before, from the try that may have been taken', async () => {
    await account.happened(...registered);
    const firstTry = now;
    provider.answers(new MailProviderUnavailable('no answer', { inDoubt: true }), {
      kind: 'taken-before',
    });
    await expect(send()).rejects.toThrow(MailProviderUnavailable);
    now += 40 * SECOND;
    await send();
    expect(await newest()).toMatchObject({
      type: 'ActivationCodeSent',
      data: { sentAt: firstTry, providerMessageId: 'unknown' },
    });
  });

  it('records nothing while the matter is open, and leaves the next try to its caller', async () => {
    await account.happened(...registered);
    const fault = new MailProviderUnavailable('it answered 429', { retryAfterMs: 7_000 });
    provider.answers(fault);
    await expect(send()).rejects.toBe(fault);
    expect(await account.history()).toHaveLength(2);
  });

  it('records a refusal that is final, with its reason and the tries it took', async () => {
    await account.happened(...registered);
    provider.answers(
      new MailProviderUnavailable('it answered 503'),
      new MailProviderUnavailable('it answered 503'),
      { kind: 'refused', reason: 'the provider answered 422' },
    );
    await expect(send()).rejects.toThrow(MailProviderUnavailable);
    await expect(send()).rejects.toThrow(MailProviderUnavailable);
    await send();
    expect(await newest()).toMatchObject({
      type: 'ActivationCodeUndeliverable',
      data: {
        issueNumber: 1,
        reason: 'the provider answered 422',
        attempts: 3,
        abandonedAt: now,
      },
    });
  });

  it('waits two minutes for the key of a code, then gives the code up', async () => {
    const [first, issued] = registered;
    await account.happened(first, { ...issued, data: { ...issued.data, keyId: 'k9' } });
    now = noon + 2 * MINUTE - 1;
    await expect(send()).rejects.toThrow(UnknownKey);
    now = noon + 2 * MINUTE;
    await send();
    expect(await newest()).toMatchObject({
      type: 'ActivationCodeUndeliverable',
      data: { reason: 'the key of the code is no more', attempts: 0 },
    });
    expect(provider.sent).toEqual([]);
  });

  it('gives up when the delivery window has passed, without another try', async () => {
    await account.happened(...registered);
    provider.answers(new MailProviderUnavailable('it answered 500'));
    await expect(send()).rejects.toThrow(MailProviderUnavailable);
    now = noon + 15 * MINUTE - 1;
    provider.answers(new MailProviderUnavailable('it answered 500'));
    await expect(send()).rejects.toThrow(MailProviderUnavailable);
    now = noon + 15 * MINUTE;
    await send();
    expect(provider.sent).toHaveLength(2);
    expect(await newest()).toMatchObject({
      type: 'ActivationCodeUndeliverable',
      data: { reason: 'the delivery window has passed', attempts: 2 },
    });
  });

  it('records nothing when the code was replaced while its mail was under way', async () => {
    await account.happened(...registered);
    provider.answers(async () => {
      await account.happened(codeIssued(2, noon + 30 * SECOND));
      return { kind: 'accepted', providerMessageId: 'message-1', acceptedAt: now };
    });
    await send();
    expect(await newest()).toMatchObject({ type: 'ActivationCodeIssued' });
  });

  it('records nothing when the code arrived, and activated, before its sending was on record', async () => {
    await account.happened(...registered);
    provider.answers(async () => {
      await account.happened(accountActivated(1, now));
      return { kind: 'accepted', providerMessageId: 'message-1', acceptedAt: now };
    });
    await send();
    expect(await newest()).toMatchObject({ type: 'AccountActivated' });
  });
});
