import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { CodeForm } from '@app/accounts';
import { ActivationCodes } from './activation-codes.js';
import { KeyRing, UnknownKey } from './key-ring.js';

const masterKey = Buffer.alloc(32, 1);
const keys = KeyRing.parse(
  `k1:${masterKey.toString('base64')},k0:${Buffer.alloc(32, 2).toString('base64')}`,
  'CODE_KEYS',
);
const codes = new ActivationCodes(keys);
const accountId = '6f9619ff-8b86-8d01-b42d-00cf4fc964ff';
const issue = {
  issueNumber: 1,
  nonce: '00112233445566778899aabbccddeeff',
  keyId: 'k1',
  form: 'short' as CodeForm,
};

/** As many nonces as wanted, always the same ones. */
function fixedNonce(n: number): string {
  return n.toString(16).padStart(32, '0');
}

describe('An activation code', () => {
  it('is derived as documented', () => {
    const info = Buffer.concat([
      Buffer.from('activation-code/v1'),
      Buffer.from([0]),
      Buffer.from(accountId),
    ]);
    const accountKey = Buffer.from(hkdfSync('sha256', masterKey, '', info, 32));
    const message = Buffer.from(`0000000000000001${issue.nonce}`, 'hex');
    const mac = createHmac('sha256', accountKey).update(message).digest();
    const number = mac.readUInt32BE(mac.readUInt8(31) & 15) & 0x7fffffff;
    expect(codes.codeFor(accountId, issue)).toBe(String(number % 10_000).padStart(4, '0'));
  });

  it('is the same whenever it is derived, also by the next release', () => {
    expect(codes.codeFor(accountId, issue)).toBe('0409');
    expect(codes.codeFor(accountId, { ...issue })).toBe(codes.codeFor(accountId, issue));
  });

  it('is the first 60 bits of the same where it is to be long', () => {
    const long = codes.codeFor(accountId, { ...issue, form: 'long' });
    expect(long).toBe('9C1H-70HP-RF24');
    expect(codes.codeFor(accountId, { ...issue, form: 'long' })).toBe(long);
  });

  it('depends on account, issue number, nonce and master key', () => {
    const sequence = (id: string, change: Partial<typeof issue>) =>
      Array.from({ length: 20 }, (_, n) =>
        codes.codeFor(id, { ...issue, nonce: fixedNonce(n), ...change }),
      ).join(' ');
    const nonces = (offset: number) =>
      Array.from({ length: 20 }, (_, n) =>
        codes.codeFor(accountId, { ...issue, nonce: fixedNonce(n + offset) }),
      ).join(' ');
    const all = [
      sequence(accountId, {}),
      sequence('6f9619ff-8b86-8d01-b42d-00cf4fc964fe', {}),
      sequence(accountId, { issueNumber: 2 }),
      sequence(accountId, { keyId: 'k0' }),
      nonces(1_000),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(nonces(0)).toBe(all[0]);
  });

  it('cannot be derived without its master key', () => {
    expect(() => codes.codeFor(accountId, { ...issue, keyId: 'k9' })).toThrow(
      new UnknownKey('CODE_KEYS', 'k9'),
    );
  });

  it('is any of the 10,000 with the same chance, leading zeros included', () => {
    const counts = new Array<number>(10_000).fill(0);
    const total = 20_000;
    for (let n = 0; n < total; n += 1) {
      const code = codes.codeFor(accountId, { ...issue, nonce: fixedNonce(n) });
      if (!/^[0-9]{4}$/.test(code)) throw new Error('not a code');
      counts[Number(code)] = (counts[Number(code)] ?? 0) + 1;
    }
    const expected = total / counts.length;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 9,999 degrees of freedom: mean 9,999, standard deviation 141; five of them either way.
    expect(chiSquare).toBeGreaterThan(9_999 - 5 * 141);
    expect(chiSquare).toBeLessThan(9_999 + 5 * 141);
    // One code in ten begins with a zero; the standard deviation is 42.
    const leadingZeros = counts.slice(0, 1_000).reduce((sum, count) => sum + count, 0);
    expect(Math.abs(leadingZeros - total / 10)).toBeLessThan(5 * 42);
  });
});

describe('What a new code is made with', () => {
  it('is the current key', () => {
    expect(codes.currentKeyId).toBe('k1');
    expect(codes.knows('k1')).toBe(true);
    expect(codes.knows('k9')).toBe(false);
  });

  it('is a nonce of 16 bytes, never twice the same', () => {
    const nonces = Array.from({ length: 1_000 }, () => codes.newNonce());
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(nonces).size).toBe(nonces.length);
  });
});
