import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { MailEventNotAuthentic, MailEventSignature } from './mail-event-signature.js';
import { mailWebhookKeySetting } from './mail-webhook-key.js';

// A secret and message whose signature the provider's own documentation states.
const documented = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: Buffer.from('{"test": 2432232314}'),
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const sentAt = Number(documented.timestamp) * 1_000;

function signatureAt(now: number): MailEventSignature {
  return new MailEventSignature(mailWebhookKeySetting().parse(documented.secret), () => now);
}

function headers(change: Record<string, string | string[] | undefined> = {}) {
  return {
    'svix-id': documented.id,
    'svix-timestamp': documented.timestamp,
    'svix-signature': documented.signature,
    ...change,
  };
}

describe('The signature of a message', () => {
  it('is the one that the provider documents, and gives the id of the message', () => {
    expect(signatureAt(sentAt).verify(headers(), documented.body)).toBe(documented.id);
  });

  it('may stand under the names of the Standard Webhooks convention', () => {
    const standard = {
      'webhook-id': documented.id,
      'webhook-timestamp': documented.timestamp,
      'webhook-signature': documented.signature,
    };
    expect(signatureAt(sentAt).verify(standard, documented.body)).toBe(documented.id);
  });

  it('may be one of several, while the provider changes its key', () => {
    const other = `v1,${createHmac('sha256', 'other').update('x').digest('base64')}`;
    const several = `${other} v1a,ignored ${documented.signature}`;
    expect(
      signatureAt(sentAt).verify(headers({ 'svix-signature': several }), documented.body),
    ).toBe(documented.id);
  });

  it.each([-300_000, -1, 0, 1, 300_000])('is accepted %i ms after it was made', (ms) => {
    expect(signatureAt(sentAt + ms).verify(headers(), documented.body)).toBe(documented.id);
  });

  it.each([-300_001, 300_001, 86_400_000])('is not accepted %i ms after it was made', (ms) => {
    expect(() => signatureAt(sentAt + ms).verify(headers(), documented.body)).toThrow(
      MailEventNotAuthentic,
    );
  });

  it.each([
    [{ 'svix-id': undefined }],
    [{ 'svix-timestamp': undefined }],
    [{ 'svix-signature': undefined }],
    [{ 'svix-signature': '' }],
    [{ 'svix-signature': 'v1,' }],
    [{ 'svix-signature': documented.signature.slice(3) }],
    [{ 'svix-signature': documented.signature.replace('v1', 'v2') }],
    [{ 'svix-signature': `${documented.signature.slice(0, -2)}A=` }],
    [{ 'svix-signature': `v1,${Buffer.alloc(32).toString('base64')}` }],
    [{ 'svix-id': 'msg_other' }],
    [{ 'svix-id': 'two words' }],
    [{ 'svix-id': '' }],
    [{ 'svix-timestamp': '1614265331' }],
    [{ 'svix-timestamp': 'now' }],
    [{ 'svix-timestamp': '-1614265330' }],
    [{ 'svix-timestamp': '1614265330.0' }],
    [{ 'svix-id': [documented.id, documented.id] }],
  ])('is not accepted with %j', (change) => {
    expect(() => signatureAt(sentAt).verify(headers(change), documented.body)).toThrow(
      MailEventNotAuthentic,
    );
  });

  it('is not accepted over a body with one byte changed, more or less', () => {
    for (const body of [
      '{"test": 2432232315}',
      '{"test": 2432232314} ',
      '',
      '{"test":2432232314}',
    ]) {
      expect(() => signatureAt(sentAt).verify(headers(), Buffer.from(body))).toThrow(
        MailEventNotAuthentic,
      );
    }
  });

  it('looks at ten signatures at most', () => {
    const many = [...Array<string>(10).fill('v1,AAAA'), documented.signature].join(' ');
    expect(() =>
      signatureAt(sentAt).verify(headers({ 'svix-signature': many }), documented.body),
    ).toThrow(MailEventNotAuthentic);
  });
});

describe('The key for messages', () => {
  it('is read with and without what providers write before it', () => {
    const [, bare = ''] = documented.secret.split('_');
    const setting = mailWebhookKeySetting();
    expect(setting.parse(bare)).toEqual(setting.parse(documented.secret));
    expect(setting.parse(bare)).toHaveLength(24);
  });

  it.each(['', 'whsec_', 'secret!', 'whsec_c2hvcnQ=', Buffer.alloc(23).toString('base64')])(
    'is refused when it is "%s"',
    (text) => {
      expect(mailWebhookKeySetting().safeParse(text).success).toBe(false);
    },
  );
});
