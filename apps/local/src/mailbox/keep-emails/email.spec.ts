import { describe, expect, it } from '@jest/globals';
import { codeIn, recipientKey } from './email.js';

describe('codeIn', () => {
  it.each([
    ['Your code is 0421.', '0421'],
    ['0042', '0042'],
    ['code:9999\nvalid for 60 seconds, until 12:30', '9999'],
    ['order 12345, code 7777', '7777'],
    ['Your code\n\n    7K3M-0421-9HXW\n\nwithin one minute', '7K3M-0421-9HXW'],
  ])('finds the only run of four digits in %j', (text, code) => {
    expect(codeIn(text)).toBe(code);
  });

  it.each([null, '', 'no digits', '123', '12345', 'code 1234 or 5678', '1234 1234'])(
    'finds none in %j',
    (text) => {
      expect(codeIn(text)).toBeUndefined();
    },
  );
});

describe('recipientKey', () => {
  it.each([
    ['ada@example.org', 'ADA@Example.ORG'],
    ['ada@example.org', 'Ada Lovelace <ada@example.org>'],
    ['ada@xn--bcher-kva.example', 'ada@bücher.example'],
    ['ada@xn--strae-oqa.example', 'ADA@STRAẞE.example'],
    ['jos\u00e9@example.org', 'jose\u0301@example.org'],
  ])('makes %j and %j equal', (one, other) => {
    expect(recipientKey(one)).toBe(recipientKey(other));
  });

  it('distinguishes different mailboxes', () => {
    expect(recipientKey('ada+1@example.org')).not.toBe(recipientKey('ada@example.org'));
    expect(recipientKey('a.da@example.org')).not.toBe(recipientKey('ada@example.org'));
  });
});
