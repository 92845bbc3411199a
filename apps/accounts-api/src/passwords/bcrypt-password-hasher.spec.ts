import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { KeyRing, UnknownKey } from '@app/account-secrets';
import bcrypt from 'bcrypt';
import fc from 'fast-check';
import { BcryptPasswordHasher } from './bcrypt-password-hasher.js';
import { HashingOverloaded, UnreadableHash } from './password-hasher.js';
import type { StoredHash } from './password-hasher.js';

const pepper = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const oldPepper = pepper('p1');
const newPepper = pepper('p2');
const ring = (...entries: string[]) => KeyRing.parse(entries.join(','), 'PASSWORD_PEPPERS');

/** Quick enough for hundreds; the format and the mathematics are the same at any cost. */
const QUICK = 4;

const ada = '7d2c1a54-6e5b-8f00-9a3d-0a1b2c3d4e5f';
const bob = '1b9f8e7d-3c2b-8a19-8b5e-5f4e3d2c1b0a';
const of = (passwordHash: string, accountId = ada) => ({ accountId, passwordHash });

describe('Passwords hashed with bcrypt', () => {
  let hasher: BcryptPasswordHasher;

  beforeAll(async () => {
    hasher = await BcryptPasswordHasher.create({
      cost: QUICK,
      peppers: ring(newPepper, oldPepper),
      longestWaitMs: 60_000,
    });
  });

  it('are kept with version, pepper and cost', async () => {
    const hash = await hasher.hash('correct horse battery staple', ada);
    expect(hash).toMatch(/^v2\$p2\$2b\$04\$[./A-Za-z0-9]{53}$/);
  });

  it('are salted: the same password twice has two hashes', async () => {
    const [one, other] = await Promise.all([hasher.hash('same', ada), hasher.hash('same', ada)]);
    expect(one).not.toBe(other);
    expect(await hasher.verify('same', of(one))).toBe(true);
    expect(await hasher.verify('same', of(other))).toBe(true);
  });

  it('prove nothing at another account: neither copied nor called a hash of the format before', async () => {
    const copied = await hasher.hash('a password', bob);
    const relabelled = copied.replace('v2', 'v1');
    expect(await hasher.verify('a password', of(copied, bob))).toBe(true);
    for (const passwordHash of [copied, relabelled]) {
      for (const typed of ['a password', `${bob}a password`, `${bob}\0a password`]) {
        expect(await hasher.verify(typed, of(passwordHash))).toBe(false);
      }
    }
  });

  it('of the format before are compared, and are out of date', async () => {
    // bcrypt('a password' under the pepper alone), as it was stored before an account was part of it.
    const peppers = KeyRing.parse(
      `p1:${Buffer.alloc(32, 1).toString('base64')}`,
      'PASSWORD_PEPPERS',
    );
    const today = await BcryptPasswordHasher.create({ cost: QUICK, peppers });
    const before = of('v1$p1$2b$04$fcet7OMWCs12sWZkPozOTOZgh4IZxEmwgm/cdz9CqAu07Au5ilute');
    expect(await today.verify('a password', before)).toBe(true);
    expect(await today.verify('another password', before)).toBe(false);
    expect(today.isOutdated(before.passwordHash)).toBe(true);
    expect(today.isOutdated(await today.hash('a password', ada))).toBe(false);
  });

  it('count in every character, at any length', async () => {
    const units = fc.constantFrom(...'aZ09 é漢🙂');
    for (let length = 1; length <= 200; length++) {
      const [characters = []] = fc.sample(
        fc.array(units, { minLength: length, maxLength: length }),
        { numRuns: 1, seed: length },
      );
      const password = characters.join('');
      const hash = await hasher.hash(password, ada);
      const at = (length * 7) % length;
      const last = characters.length - 1;
      const others = [at, last].map((index) =>
        characters.with(index, characters[index] === 'x' ? 'y' : 'x').join(''),
      );
      const guesses = [password, ...others, `${password}x`, characters.slice(0, -1).join('')];
      expect(await Promise.all(guesses.map((guess) => hasher.verify(guess, of(hash))))).toEqual([
        true,
        false,
        false,
        false,
        false,
      ]);
    }
  });

  it('are the same in whichever form their accents were typed', async () => {
    const composed = await hasher.hash('caf\u00e9 \u1e69', ada);
    expect(await hasher.verify('cafe\u0301 s\u0323\u0307', of(composed))).toBe(true);
    const decomposed = await hasher.hash('cafe\u0301 s\u0307\u0323', ada);
    expect(await hasher.verify('caf\u00e9 \u1e69', of(decomposed))).toBe(true);
    expect(await hasher.verify('cafe s', of(composed))).toBe(false);
  });

  it('may be 64 emoji', async () => {
    const emoji = '🙂'.repeat(63);
    const hash = await hasher.hash(`${emoji}🙃`, ada);
    expect(await hasher.verify(`${emoji}🙃`, of(hash))).toBe(true);
    expect(await hasher.verify(`${emoji}🙂`, of(hash))).toBe(false);
  });

  it('differ by case, and by what comes after a zero byte', async () => {
    const hash = await hasher.hash('Pass\0word', ada);
    expect(await hasher.verify('pass\0word', of(hash))).toBe(false);
    expect(await hasher.verify('Pass\0worD', of(hash))).toBe(false);
  });

  it('are checked with the pepper they were hashed with', async () => {
    const before = await BcryptPasswordHasher.create({ cost: QUICK, peppers: ring(oldPepper) });
    const hash = await before.hash('a password', ada);
    expect(hash).toMatch(/^v2\$p1\$/);
    expect(await hasher.verify('a password', of(hash))).toBe(true);
    const stranger = ring(pepper('p1'));
    const other = await BcryptPasswordHasher.create({ cost: QUICK, peppers: stranger });
    expect(await other.verify('a password', of(hash))).toBe(false);
  });

  it('cannot be checked without that pepper: an error, not a wrong password', async () => {
    const hash = await hasher.hash('a password', ada);
    const without = await BcryptPasswordHasher.create({ cost: QUICK, peppers: ring(oldPepper) });
    await expect(without.verify('a password', of(hash))).rejects.toThrow(
      new UnknownKey('PASSWORD_PEPPERS', 'p2').message,
    );
  });

  it.each(['', 'plain', '$2b$04$abc', 'v3$p2$2b$04$abc', 'v2$p2$1$abc', 'v2$$2b$04$abc'])(
    'cannot be checked against %p: an error, not a wrong password',
    async (stored) => {
      await expect(hasher.verify('a password', of(stored))).rejects.toBeInstanceOf(UnreadableHash);
    },
  );

  describe('of several costs', () => {
    const create = (cost: number) =>
      BcryptPasswordHasher.create({ cost, peppers: ring(newPepper), longestWaitMs: 60_000 });
    const madeAtCost = async (cost: number) =>
      of(await (await create(cost)).hash('a password', ada));
    const comparing = jest.spyOn(bcrypt, 'compare');
    const hashing = jest.spyOn(bcrypt, 'hash');
    afterAll(() => void jest.restoreAllMocks());

    /** What the check of a wrong password asks of bcrypt: its time, on a machine of any speed. */
    async function roundsOf(checks: BcryptPasswordHasher, stored: StoredHash | undefined) {
      comparing.mockClear();
      hashing.mockClear();
      expect(await checks.verify('another password', stored)).toBe(false);
      const asked = [...comparing.mock.calls, ...hashing.mock.calls];
      return asked.reduce((sum, [, hash]) => sum + 2 ** bcrypt.getRounds(String(hash)), 0);
    }

    it('are checked at the highest, like where there is no account, also after the cost was lowered', async () => {
      const today = await create(QUICK + 1);
      const costs = [QUICK, QUICK + 1, QUICK + 4];
      const [older, own, dearer] = await Promise.all(costs.map(madeAtCost));
      for (const stored of [older, own, undefined]) {
        expect(await roundsOf(today, stored)).toBe(2 ** (QUICK + 1));
      }
      today.expectCost(QUICK + 4);
      for (const stored of [older, own, dearer, undefined]) {
        expect(await roundsOf(today, stored)).toBe(2 ** (QUICK + 4));
      }
      // The last of them is gone; what is made here is never dearer than the check.
      for (const highest of [undefined, QUICK]) {
        today.expectCost(highest);
        expect(await roundsOf(today, undefined)).toBe(2 ** (QUICK + 1));
      }
    });

    it('are checked at the cost of one that another process has just made, from then on', async () => {
      const today = await create(QUICK);
      expect(await roundsOf(today, await madeAtCost(QUICK + 2))).toBe(2 ** (QUICK + 2));
      expect(await roundsOf(today, undefined)).toBe(2 ** (QUICK + 2));
    });

    it('are not compared when that would take for ever', async () => {
      const { passwordHash } = await madeAtCost(QUICK);
      for (const cost of ['16', '31']) {
        const endless = of(passwordHash.replace('$04$', `$${cost}$`));
        await expect(hasher.verify('a password', endless)).rejects.toThrow('its cost is too high');
      }
    });

    it('make room for fewer at a time where they are dearer', async () => {
      const busy = await BcryptPasswordHasher.create({
        cost: QUICK,
        peppers: ring(newPepper),
        concurrency: 1,
        longestWaitMs: 10_000,
      });
      const waiting = Array.from({ length: 20 }, () => busy.verify('a password', undefined));
      busy.assertRoom();
      busy.expectCost(QUICK + 11);
      expect(() => busy.assertRoom()).toThrow(HashingOverloaded);
      busy.expectCost(QUICK);
      await Promise.all(waiting);
    });
  });

  it('are out of date with a lower cost or an earlier pepper, and only then', async () => {
    const before = await BcryptPasswordHasher.create({ cost: QUICK, peppers: ring(oldPepper) });
    const dearer = await BcryptPasswordHasher.create({ cost: QUICK + 1, peppers: ring(newPepper) });
    const hash = await hasher.hash('a password', ada);
    expect(hasher.isOutdated(hash)).toBe(false);
    expect(hasher.isOutdated(await before.hash('a password', ada))).toBe(true);
    expect(dearer.isOutdated(hash)).toBe(true);
    expect(await dearer.verify('a password', of(hash))).toBe(true);
    expect(hasher.isOutdated(await dearer.hash('a password', ada))).toBe(false);
    expect(() => hasher.isOutdated('plain')).toThrow(UnreadableHash);
  });

  describe('many at a time', () => {
    const cost = 10;
    const create = (options: { concurrency?: number; longestWaitMs?: number } = {}) =>
      BcryptPasswordHasher.create({ cost, peppers: ring(newPepper), ...options });

    it('are turned away once those before would take longer than allowed', async () => {
      const busy = await create({ concurrency: 2, longestWaitMs: 300 });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 200 }, () => busy.verify('a password', undefined)),
      );
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refused.length).toBeGreaterThan(100);
      expect(refused.length).toBeLessThan(200);
      for (const { reason } of refused) {
        expect(reason).toBeInstanceOf(HashingOverloaded);
        expect((reason as HashingOverloaded).retryAfterSeconds).toBeGreaterThanOrEqual(1);
      }
      // As soon as the others are done there is room again.
      expect(busy.load).toBe(0);
      expect(await busy.verify('a password', undefined)).toBe(false);
    });

    it('are served, at least one, however short the wait may be', async () => {
      const strict = await create({ concurrency: 1, longestWaitMs: 0 });
      const [first, second] = await Promise.allSettled([
        strict.hash('one', ada),
        strict.hash('two', ada),
      ]);
      expect(first?.status).toBe('fulfilled');
      expect(second?.status).toBe('rejected');
    });

    it('leave the event loop free', async () => {
      const busy = await create({ concurrency: 2, longestWaitMs: 60_000 });
      const startedAt = performance.now();
      let lastTurnAt = startedAt;
      let longestGapMs = 0;
      const turn = () => {
        const now = performance.now();
        longestGapMs = Math.max(longestGapMs, now - lastTurnAt);
        lastTurnAt = now;
      };
      const turning = setInterval(turn, 1);
      await Promise.all(Array.from({ length: 12 }, () => busy.hash('a password', ada)));
      clearInterval(turning);
      turn();
      // Hashed on the loop itself, they would make one gap from beginning to end.
      expect(longestGapMs).toBeLessThan((performance.now() - startedAt) / 2);
    });

    it('are counted while they wait', async () => {
      const busy = await create({ concurrency: 1, longestWaitMs: 60_000 });
      const hashes = [
        busy.hash('one', ada),
        busy.hash('two', ada),
        busy.verify('three', undefined),
      ];
      expect(busy.load).toBe(3);
      await Promise.all(hashes);
      expect(busy.load).toBe(0);
    });
  });
});
