import { describe, expect, it } from '@jest/globals';
import { redacted, redactText } from './redact.js';

describe('Redaction', () => {
  it.each([
    ['550 <Ada.Lovelace+x@example.org> unknown', '550 <[e-mail address]> unknown'],
    ['mail to jörg@münchen.example, twice', 'mail to [e-mail address], twice'],
    ['from 203.0.113.9: refused', 'from [IP address]: refused'],
    ['from 2001:db8::7.', 'from [IP address].'],
    ['at ::ffff:203.0.113.9', 'at [IP address]'],
    ['connect postgres://u:secret@db:5432/x failed', 'connect [URL] failed'],
    ['hash v1$p1$2b$12$abcdefghijk', 'hash [hash]'],
    ['hash $2b$12$abcdefghijklmnopqrstuv', 'hash [hash]'],
    ['nonce 0123456789abcdef0123456789abcdef', 'nonce [redacted]'],
    [`key k1:${'QUJD'.repeat(11)}`, 'key k1:[redacted]'],
  ])('%s', (text, expected) => expect(redactText(text)).toBe(expected));

  it.each([
    '2026-11-22T12:00:00.000Z',
    'account-6f9619ff-8b86-8d01-b42d-00cf4fc964ff',
    'admin:1f2e3d4c5b6a7988',
    '0031_generations-of-account-keys',
    'The account is active since 2026-11-22T12:00:09.000Z, activated with code 1.',
    'connect ECONNREFUSED after 3 tries: 18.4.0',
    '38538',
  ])('leaves %s', (text) => expect(redactText(text)).toBe(text));

  it('goes through every text of a value', () => {
    const value = { a: ['x@y.example', 1, null, true], at: new Date(0), b: { c: '203.0.113.9' } };
    expect(redacted(value)).toEqual({
      a: ['[e-mail address]', 1, null, true],
      at: '1970-01-01T00:00:00.000Z',
      b: { c: '[IP address]' },
    });
  });
});
