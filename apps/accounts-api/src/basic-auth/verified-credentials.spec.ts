import { beforeEach, describe, expect, it } from '@jest/globals';
import { LRUCache } from 'lru-cache';
import { VerifiedCredentials } from './verified-credentials.js';

const ada = { accountId: 'ada', claimNumber: 1, passwordHash: 'v1$p1$2b$12$first' };
const SECOND = 1_000;

describe('Verified credentials', () => {
  let now: number;
  let verified: VerifiedCredentials;

  beforeEach(() => {
    now = 0;
    verified = new VerifiedCredentials(60 * SECOND, () => now);
  });

  const knows: (...asked: Parameters<VerifiedCredentials['standingOf']>) => boolean = (...asked) =>
    verified.standingOf(...asked) !== undefined;

  it('are known for their lifetime, and not a moment longer', () => {
    expect(knows(ada, 'right')).toBe(false);
    verified.remember(ada, 'right');
    now = 60 * SECOND - 1;
    expect(knows(ada, 'right')).toBe(true);
    now = 60 * SECOND;
    expect(knows(ada, 'right')).toBe(false);
  });

  it('are proven or only chosen, until they are proven', () => {
    verified.remember(ada, 'right', false);
    expect(verified.standingOf(ada, 'right')).toBe('chosen');
    verified.remember(ada, 'right');
    expect(verified.standingOf(ada, 'right')).toBe('proven');
    expect(verified.standingOf({ ...ada, claimNumber: 2 }, 'right')).toBe(undefined);
  });

  it('are those of one password only, which a wrong one does not push out', () => {
    verified.remember(ada, 'right');
    for (const wrong of ['', 'right ', 'Right', 'righ']) {
      expect(knows(ada, wrong)).toBe(false);
    }
    expect(knows(ada, 'right')).toBe(true);
    expect(knows({ ...ada, accountId: 'eve' }, 'right')).toBe(false);
  });

  it('take every composition of a password for the same', () => {
    verified.remember(ada, 'caf\u00e9 au\u00a0lait');
    expect(knows(ada, 'cafe\u0301 au lait')).toBe(true);
  });

  it.each([
    ['another hash', { ...ada, passwordHash: 'v1$p1$2b$12$second' }],
    ['another claim', { ...ada, claimNumber: 2 }],
  ])('do not count when the read model has %s', (_, renewed) => {
    verified.remember(ada, 'right');
    expect(knows(renewed, 'right')).toBe(false);
  });

  it('of one claim do not push out those of another, and of eleven the first goes', () => {
    const claims = Array.from({ length: 11 }, (_, index) => ({ ...ada, claimNumber: index + 1 }));
    for (const claim of claims) verified.remember(claim, `password ${claim.claimNumber}`);
    const known = claims.map((claim) => knows(claim, `password ${claim.claimNumber}`));
    expect(known).toEqual([false, ...Array(10).fill(true)]);
    expect(verified.size).toBe(1);
  });

  it('are none when they are switched off', () => {
    verified = new VerifiedCredentials(0, () => now);
    verified.remember(ada, 'right');
    expect(verified.size).toBe(0);
    expect(knows(ada, 'right')).toBe(false);
  });

  it('are bounded in number: the oldest go first', () => {
    for (let index = 0; index <= 10_000; index++) {
      verified.remember({ ...ada, accountId: String(index) }, 'right');
    }
    expect(verified.size).toBe(10_000);
    expect(knows({ ...ada, accountId: '0' }, 'right')).toBe(false);
    expect(knows({ ...ada, accountId: '1' }, 'right')).toBe(true);
  });

  it('hold neither password nor hash in memory', () => {
    verified.remember(ada, 'right');
    const seen = JSON.stringify([...Object.values(verified)], (_, value: unknown) =>
      value instanceof LRUCache ? [...value] : value,
    );
    expect(seen).toContain('ada');
    expect(seen).not.toContain('right');
    expect(seen).not.toContain('first');
  });
});
