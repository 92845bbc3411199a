import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConsistencyTokenBroken, ConsistencyTokens } from './consistency-tokens.js';

const secret = randomBytes(32);
const tokens = new ConsistencyTokens(secret);
const written = {
  accountId: '0b8f7c1e-5a2d-8e3f-9b4a-6c7d8e9f0a1b',
  revision: 3n,
  position: 9_007_199_254_740_993n,
};

describe('Consistency tokens', () => {
  it.each([
    ['an event', written],
    [
      'the largest positions',
      { ...written, revision: (1n << 63n) - 1n, position: (1n << 64n) - 1n },
    ],
    ['no event', undefined],
  ])('open in every process that has the secret: %s', (_, event) => {
    expect(new ConsistencyTokens(Buffer.from(secret)).open(tokens.seal(event))).toEqual(event);
  });

  it('are new each time and equally long, whatever they name', () => {
    const sealed = [written, written, { ...written, revision: 0n, position: 0n }, undefined].map(
      (event) => tokens.seal(event),
    );
    expect(new Set(sealed).size).toBe(4);
    for (const token of sealed) expect(token).toMatch(/^[A-Za-z0-9_-]{80}$/);
  });

  it('do not open when one character was changed, or with another secret', () => {
    const token = tokens.seal(written);
    for (let index = 0; index < token.length; index++) {
      const other = token[index] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      expect(() => tokens.open(changed)).toThrow(ConsistencyTokenBroken);
    }
    const strangers = new ConsistencyTokens(randomBytes(32));
    expect(() => strangers.open(token)).toThrow(ConsistencyTokenBroken);
  });

  it.each(['', '104729', 'x', ' '.repeat(80), 'A'.repeat(80), 'é'.repeat(80), '\0'])(
    'are not %p',
    (text) => {
      expect(() => tokens.open(text)).toThrow(ConsistencyTokenBroken);
    },
  );
});
