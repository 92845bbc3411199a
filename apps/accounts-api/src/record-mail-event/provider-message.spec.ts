import { describe, expect, it } from '@jest/globals';
import { Problem } from '@app/http-service';
import fc from 'fast-check';
import { mailNewsOf } from './provider-message.js';

const accountId = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';

function message(type = 'email.delivered', data: object = {}): object {
  return {
    type,
    created_at: '2026-11-22T12:00:02.126Z',
    data: {
      email_id: '56761188-7520-42d8-8898-ff6fc54ce618',
      from: 'Accounts <no-reply@example.org>',
      to: ['ada@example.org'],
      subject: 'Your activation code',
      tags: { account: accountId, issue: '3' },
      ...data,
    },
  };
}

const delivered = {
  accountId,
  issueNumber: 3,
  kind: 'delivered',
  occurredAt: Date.UTC(2026, 10, 22, 12, 0, 2, 126),
};

describe('A message of the provider', () => {
  it('leads to the account and the code by the tags that were sent with the mail', () => {
    expect(mailNewsOf(message())).toEqual(delivered);
  });

  it('may have its tags as a list', () => {
    const tags = [
      { name: 'account', value: accountId },
      { name: 'issue', value: '3' },
    ];
    expect(mailNewsOf(message('email.delivered', { tags }))).toEqual(delivered);
  });

  it.each([
    ['email.complained', {}, 'reported-as-spam'],
    ['email.bounced', {}, 'bounced-permanently'],
    ['email.bounced', { bounce: { type: 'Permanent', subType: 'General' } }, 'bounced-permanently'],
    ['email.bounced', { bounce: { type: 'Transient' } }, 'bounced-transiently'],
    ['email.bounced', { bounce: { type: 'Undetermined' } }, 'bounced-transiently'],
  ])('of type %s with %j is news of the kind %s', (type, data, kind) => {
    expect(mailNewsOf(message(type, data))).toMatchObject({ kind });
  });

  it.each(['email.sent', 'email.opened', 'email.delivery_delayed', 'contact.created', ''])(
    'of type "%s" is no concern of ours',
    (type) => {
      expect(mailNewsOf(message(type))).toBeUndefined();
    },
  );

  it.each([
    [{}],
    [undefined],
    [{ account: accountId }],
    [{ account: accountId, notice: '1' }],
    [{ issue: '3' }],
    [{ account: 'somebody', issue: '3' }],
    [{ account: accountId.toUpperCase(), issue: '3' }],
    [{ account: accountId, issue: '0' }],
    [{ account: accountId, issue: '-1' }],
    [{ account: accountId, issue: '3.5' }],
    [{ account: accountId, issue: '9999999999' }],
  ])('with the tags %j is about another mail', (tags) => {
    expect(mailNewsOf(message('email.delivered', { tags }))).toBeUndefined();
  });

  it('need not say when it happened', () => {
    for (const time of [undefined, '', 'yesterday']) {
      const news = mailNewsOf({ ...message(), created_at: time });
      expect(news).toEqual({ ...delivered, occurredAt: undefined });
    }
  });

  it.each([
    [undefined],
    [null],
    ['text'],
    [[]],
    [{}],
    [{ type: 'email.delivered' }],
    [{ type: 7, data: {} }],
    [{ type: 'email.delivered', data: { tags: 'account' } }],
    [{ type: 'email.delivered', data: { tags: { account: 'x'.repeat(257) } } }],
  ])('%j is refused', (body) => {
    expect(() => mailNewsOf(body)).toThrow(Problem);
  });

  it('of any other shape is refused or no concern of ours, and nothing worse', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        try {
          expect(mailNewsOf(body)).toBeUndefined();
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
        }
      }),
    );
  });
});
