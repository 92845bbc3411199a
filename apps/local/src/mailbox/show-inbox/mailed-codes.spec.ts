import { describe, expect, it } from '@jest/globals';
import type { Email } from '../keep-emails/email.js';
import { mailedCodes } from './mailed-codes.js';

const NOW = new Date('2026-01-02T03:05:00.000Z');
let number = 0;

function mail(secondsAgo: number, code: string | undefined, to = 'ada@example.org'): Email {
  return {
    id: `mail-${(number += 1)}`,
    to: [to],
    from: 'no-reply@example.org',
    subject: 'Your code',
    text: code === undefined ? 'Hello' : `Your code is ${code}.`,
    html: null,
    idempotencyKey: null,
    receivedAt: new Date(NOW.getTime() - secondsAgo * 1_000).toISOString(),
  };
}

function statesOf(...emails: Email[]) {
  const states = mailedCodes(emails, 60_000, NOW);
  return emails.map(({ id }) => states.get(id));
}

describe('The codes of an inbox', () => {
  it('are alive for their time, to the millisecond', () => {
    const until = new Date('2026-01-02T03:05:42.000Z');
    expect(statesOf(mail(18, '0421'))).toEqual([{ kind: 'alive', until }]);
    expect(statesOf(mail(59.999, '0421'))).toMatchObject([{ kind: 'alive' }]);
    expect(statesOf(mail(60, '0421'))).toEqual([{ kind: 'expired' }]);
  });

  it('end with the next code of the same address, however it is spelled', () => {
    const other = mail(15, '7777', 'grace@example.org');
    const states = statesOf(mail(10, '1234', 'Ada <ADA@example.org>'), other, mail(20, '0421'));
    expect(states).toMatchObject([{ kind: 'alive' }, { kind: 'alive' }, { kind: 'replaced' }]);
    expect(statesOf(mail(70, '1234'), mail(90, '0421'))).toMatchObject([
      { kind: 'expired' },
      { kind: 'replaced' },
    ]);
  });

  it('outlive a second copy of their mail, and a mail without a code', () => {
    const states = statesOf(mail(5, undefined), mail(10, '0421'), mail(10, '0421'));
    expect(states).toMatchObject([undefined, { kind: 'alive' }, { kind: 'alive' }]);
  });
});
