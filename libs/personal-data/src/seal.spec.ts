import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SealBroken, open, seal } from './seal.js';

const key = randomBytes(32);
const place = 'account-1|AccountRegistered|1|address';
const plain = Buffer.from('ada@example.org', 'utf8');

describe('A sealed value', () => {
  it('is opened with the same key at the same place, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.string(), (bytes, where) => {
        const value = Buffer.from(bytes);
        expect(open(seal(value, key, where), key, where).equals(value)).toBe(true);
      }),
    );
  });

  it('shows nothing of what it holds and looks different every time', () => {
    // More than are made at a time.
    const sealed = Array.from({ length: 1_000 }, () => seal(plain, key, place));
    for (const one of sealed) expect(one.includes(plain)).toBe(false);
    expect(new Set(sealed.map((one) => one.toString('hex'))).size).toBe(1_000);
    const nonces = new Set(sealed.map((one) => one.subarray(0, 12).toString('hex')));
    expect(nonces.size).toBe(1_000);
    // No eight bytes come twice either: one nonce is not the next one, moved.
    const parts = new Set([...nonces].flatMap((hex) => [hex.slice(0, 16), hex.slice(8)]));
    expect(parts.size).toBe(2_000);
  });

  it('is 28 bytes longer than what it holds', () => {
    expect(seal(plain, key, place)).toHaveLength(plain.length + 28);
  });

  it('cannot be opened when any of its bytes was changed', () => {
    const sealed = seal(plain, key, place);
    for (let index = 0; index < sealed.length; index++) {
      for (const bit of [0x01, 0x80]) {
        const changed = Buffer.from(sealed);
        changed.writeUInt8(changed.readUInt8(index) ^ bit, index);
        expect(() => open(changed, key, place)).toThrow(SealBroken);
      }
    }
  });

  it('cannot be opened when it was cut or made longer', () => {
    const sealed = seal(plain, key, place);
    for (let length = 0; length < sealed.length; length++) {
      expect(() => open(sealed.subarray(0, length), key, place)).toThrow(SealBroken);
    }
    const longer = Buffer.concat([sealed, Buffer.alloc(1)]);
    expect(() => open(longer, key, place)).toThrow(SealBroken);
  });

  it('cannot be opened at another place', () => {
    const sealed = seal(plain, key, place);
    for (const elsewhere of ['', place.slice(0, -1), `${place} `, place.replace('-1', '-2')]) {
      expect(() => open(sealed, key, elsewhere)).toThrow(SealBroken);
    }
  });

  it('cannot be opened with another key', () => {
    const sealed = seal(plain, key, place);
    const almost = Buffer.from(key);
    almost.writeUInt8(almost.readUInt8(31) ^ 1, 31);
    for (const other of [randomBytes(32), almost]) {
      expect(() => open(sealed, other, place)).toThrow(SealBroken);
    }
  });

  it('that is broken is named by its place alone', () => {
    const message = messageOf(() => open(Buffer.concat([plain, plain, plain]), key, place));
    expect(message).toBe(`the sealed value at ${place} cannot be opened`);
  });
});

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SealBroken) return error.message;
    throw error;
  }
  throw new Error('it did not fail');
}
