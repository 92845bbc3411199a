import { beforeEach, describe, expect, it } from '@jest/globals';
import { defaultActivationPolicy } from '@app/accounts';
import {
  activeAccount,
  DAY,
  MINUTE,
  noon,
  ownerNoticeIssued,
  ownerNoticeUndeliverable,
  ownerNotified,
  pendingAccount,
  SECOND,
} from '@app/accounts/testing/account-examples.js';
import { MailProviderUnavailable } from '../mail-delivery/mail.js';
import {
  ExampleAccount,
  RecordingMailProvider,
  accountId,
  correlationId,
  eventId,
} from '../testing/worker-examples.js';
import { NotifyOwnerHandler } from './notify-owner.handler.js';
import { NotifyOwnerCommand, OwnerNoticeIssuedEvent } from './notify-owner.saga.js';

const issuedAt = noon + MINUTE;
const noticed = [...activeAccount, ownerNoticeIssued(1, issuedAt)] as const;

describe('Notifying the owner of an active account', () => {
  let account: ExampleAccount;
  let provider: RecordingMailProvider;
  let handler: NotifyOwnerHandler;
  let now = issuedAt;

  beforeEach(() => {
    now = issuedAt + SECOND;
    account = new ExampleAccount();
    provider = new RecordingMailProvider(() => now);
    handler = new NotifyOwnerHandler(
      account.accounts,
      defaultActivationPolicy,
      () => now,
      provider.alone(),
    );
  });

  const issued = new OwnerNoticeIssuedEvent(
    accountId,
    ownerNoticeIssued(1, issuedAt).data,
    eventId,
    correlationId,
  );
  const notify = () => handler.execute(new NotifyOwnerCommand(issued));

  it('mails the notice in the language it was issued in, and records that', async () => {
    await account.happened(...noticed);
    provider.answers({ kind: 'accepted', providerMessageId: 'notice-1', acceptedAt: now });
    await notify();
    expect(provider.sent).toEqual([
      {
        mail: expect.objectContaining({
          to: 'Ada@example.org',
          subject: "Quelqu'un a voulu inscrire votre adresse",
          tags: { account: accountId, notice: '1' },
        }),
        idempotencyKey: `${accountId}/notice/1`,
      },
    ]);
    expect((await account.history()).at(-1)).toEqual({
      ...ownerNotified(1, now),
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
    'was sent': [...noticed, ownerNotified(1, now)],
    'was given up': [...noticed, ownerNoticeUndeliverable(1, now)],
    'was followed by a newer one': [...noticed, ownerNoticeIssued(2, noon + 2 * DAY)],
    'was never issued': activeAccount,
    'is of an account that is not active': pendingAccount,
  } as const;
  for (const [what, [first, ...rest]] of Object.entries(settled)) {
    it(`does nothing when the notice ${what}`, async () => {
      await account.happened(first, ...rest);
      await notify();
      expect(provider.sent).toEqual([]);
      expect(await account.history()).toHaveLength(1 + rest.length);
    });
  }

  it('repeated sends nothing again', async () => {
    await account.happened(...noticed);
    await notify();
    await notify();
    expect(provider.sent).toHaveLength(1);
  });

  it('records a refusal that is final, with the tries it took', async () => {
    await account.happened(...noticed);
    provider.answers(new MailProviderUnavailable('it answered 503'), {
      kind: 'refused',
      reason: 'the provider answered 422',
    });
    await expect(notify()).rejects.toThrow(MailProviderUnavailable);
    await notify();
    expect((await account.history()).at(-1)).toMatchObject({
      type: 'OwnerNoticeUndeliverable',
      data: { reason: 'the provider answered 422', attempts: 2, abandonedAt: now },
    });
  });

  it('gives up when the delivery window has passed, without a try', async () => {
    await account.happened(...noticed);
    now = issuedAt + 15 * MINUTE;
    await notify();
    expect(provider.sent).toEqual([]);
    expect((await account.history()).at(-1)).toMatchObject({
      type: 'OwnerNoticeUndeliverable',
      data: { reason: 'the delivery window has passed', attempts: 0 },
    });
  });
});
