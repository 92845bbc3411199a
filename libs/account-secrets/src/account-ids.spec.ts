import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { accountStreamName, addressKeyOf } from '@app/accounts';
import { AccountIds } from './account-ids.js';

const secret = Buffer.alloc(32, 7);
const ids = new AccountIds(secret);

describe('The id of an account', () => {
  it('is a UUID of version 8 that carries the first bits of HMAC-SHA-256 of the address key', () => {
    const id = ids.accountIdOf('ada@example.org');
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const mac = createHmac('sha256', secret).update('ada@example.org').digest('hex');
    const digits = id.replaceAll('-', '');
    const untouched = (hex: string) => hex.slice(0, 12) + hex.slice(13, 16) + hex.slice(17, 32);
    expect(untouched(digits)).toBe(untouched(mac));
    expect(Number.parseInt(digits.charAt(16), 16) & 3).toBe(
      Number.parseInt(mac.charAt(16), 16) & 3,
    );
  });

  it('is the same every time, or every address would have a second account after a release', () => {
    expect(ids.accountIdOf('ada@example.org')).toBe('0d178c15-a364-83f7-934e-f6840d33a7f4');
    expect(ids.accountIdOf('用户@xn--fsqu00a.xn--4rr70v')).toBe(
      '23d37dd8-8874-8758-846b-c0e337a5542b',
    );
  });

  it('is the same however the address is typed', () => {
    const [one, other] = ['Ada@Example.org', 'ada@EXAMPLE.ORG'].map(addressKeyOf);
    expect(ids.accountIdOf(one ?? '')).toBe(ids.accountIdOf(other ?? '-'));
  });

  it('differs between addresses and between secrets', () => {
    const all = Array.from({ length: 1_000 }, (_, n) => ids.accountIdOf(`ada${n}@example.org`));
    expect(new Set(all).size).toBe(1_000);
    const others = new AccountIds(Buffer.alloc(32, 8));
    expect(others.accountIdOf('ada@example.org')).not.toBe(ids.accountIdOf('ada@example.org'));
  });

  it('names a stream', () => {
    const id = ids.accountIdOf('ada@example.org');
    expect(accountStreamName(id)).toBe(`account-${id}`);
  });

  it('takes no short secret', () => {
    expect(() => new AccountIds(Buffer.alloc(31))).toThrow(RangeError);
  });
});
