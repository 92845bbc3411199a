import { beforeEach, describe, expect, it } from '@jest/globals';
import { UnknownKey } from '@app/account-secrets';
import { DatabaseUnavailable } from '@app/postgres';
import { HashingOverloaded } from '../passwords/password-hasher.js';
import { ExampleAccounts, exampleAddress, exampleContext } from '../testing/example-accounts.js';
import {
  ExampleBuckets,
  exampleLimits,
  examplePasswordCheck,
} from '../testing/example-password-check.js';
import { networksOf } from '../client-address/network.js';
import { LimitExceeded } from '../limits/throttle.js';
import type { PasswordClaim } from './password-check.js';

const RIGHT = 'right password';

describe('Checking a password', () => {
  let accounts: ExampleAccounts;
  let buckets: ExampleBuckets;

  beforeEach(() => {
    accounts = new ExampleAccounts();
    buckets = new ExampleBuckets();
  });

  const stored = (passwordHash = `hash of ${RIGHT}`) => ({
    accountId: accounts.accountId,
    claimNumber: 1,
    passwordHash,
    isOfCallersNetwork: false,
  });
  const claim = (password: string, change: Partial<PasswordClaim> = {}): PasswordClaim => ({
    requestId: exampleContext.requestId,
    client: exampleContext.client,
    networks: networksOf('203.0.113.9'),
    address: exampleAddress,
    accountId: accounts.accountId,
    password,
    ...change,
  });
  const securityEvents = () =>
    accounts.logged.flatMap(({ securityEvent }) => (securityEvent ? [securityEvent] : []));

  it('costs nothing where the same password was right a moment ago', async () => {
    const check = examplePasswordCheck(accounts, { buckets, cacheMs: 60_000 });
    for (let call = 0; call < 3; call++)
      expect(await check.isRight(claim(RIGHT), stored())).toBe(true);
    expect(accounts.passwordHasher.verified).toBe(1);
    const asked = buckets.asked;
    expect(await check.isRight(claim(RIGHT), stored())).toBe(true);
    expect(buckets.asked).toBe(asked);
    expect(await check.isRight(claim('wrong'), stored())).toBe(false);
    expect(accounts.passwordHasher.verified).toBe(2);
  });

  it('costs no hash where the same password was chosen a moment ago, and is settled once', async () => {
    const { verified } = accounts;
    verified.remember(stored(), RIGHT, false);
    const check = examplePasswordCheck(accounts, { buckets, verified });
    for (let call = 0; call < 3; call++)
      expect(await check.isRight(claim(RIGHT), stored())).toBe(true);
    expect([accounts.passwordHasher.verified, buckets.asked]).toEqual([0, 1]);
    expect(buckets.marks.size).toBe(1);
    expect(securityEvents()).toEqual(['authn_login_success']);
    expect(await check.isRight(claim('wrong'), stored())).toBe(false);
    // What the read model has now was chosen by another call.
    expect(await check.isRight(claim(RIGHT), stored(`hash of another`))).toBe(false);
    expect(await check.isRight(claim(RIGHT), { ...stored(), claimNumber: 2 })).toBe(true);
    expect(accounts.passwordHasher.verified).toBe(3);
  });

  it('is done anew each time when nothing is to be remembered', async () => {
    const check = examplePasswordCheck(accounts, { buckets });
    for (let call = 0; call < 3; call++) await check.isRight(claim(RIGHT), stored());
    expect(accounts.passwordHasher.verified).toBe(3);
  });

  it('is done once for the same claim made 200 times at once', async () => {
    const check = examplePasswordCheck(accounts, { buckets });
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => check.isRight(claim(RIGHT), stored())),
    );
    expect(new Set(answers)).toEqual(new Set([true]));
    expect(accounts.passwordHasher.verified).toBe(1);
    await Promise.all(Array.from({ length: 200 }, () => check.isRight(claim('wrong'), stored())));
    expect(accounts.passwordHasher.verified).toBe(2);
  });

  it('counts wrong passwords, and no right ones', async () => {
    const check = examplePasswordCheck(accounts, { buckets });
    await check.isRight(claim(RIGHT), stored());
    expect(buckets.total).toBe(0);
    await check.isRight(claim('wrong'), stored());
    expect([...buckets.taken.values()].filter((taken) => taken > 0)).toEqual([1, 1, 1]);
  });

  it('is refused before it costs anything when too many passwords wait', async () => {
    const check = examplePasswordCheck(accounts, { buckets, cacheMs: 60_000 });
    await check.isRight(claim(RIGHT), stored());
    const asked = buckets.asked;
    accounts.passwordHasher.assertRoom = () => {
      throw new HashingOverloaded(3);
    };
    await expect(check.isRight(claim('wrong'), stored())).rejects.toThrow(HashingOverloaded);
    expect(buckets.asked).toBe(asked);
    expect(await check.isRight(claim(RIGHT), stored())).toBe(true);
  });

  it('does not count what could not be checked', async () => {
    const check = examplePasswordCheck(accounts, { buckets });
    accounts.passwordHasher.verify = () => Promise.reject(new HashingOverloaded(3));
    await expect(check.isRight(claim('wrong'), stored())).rejects.toThrow(HashingOverloaded);
    expect(buckets.total).toBe(0);
  });

  it.each([
    ['an account', true],
    ['no account', false],
  ])('is refused after so many wrong ones from one network, for %s', async (_, exists) => {
    const limits = exampleLimits({ FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: 3 });
    const check = examplePasswordCheck(accounts, { buckets, limits });
    const guess = (password: string, change = {}) =>
      check.isRight(claim(password, change), exists ? stored() : undefined);
    for (let wrong = 0; wrong < 3; wrong++) expect(await guess(`wrong ${wrong}`)).toBe(false);
    const verified = accounts.passwordHasher.verified;
    await expect(guess(RIGHT)).rejects.toMatchObject({ retryAfterSeconds: 90, isNew: true });
    await expect(guess('another')).rejects.toThrow(LimitExceeded);
    expect(accounts.passwordHasher.verified).toBe(verified);
    // The owner elsewhere is not locked out by that.
    expect(await guess(RIGHT, { networks: networksOf('198.51.100.1') })).toBe(exists);
    expect(securityEvents().filter((name) => name === 'authn_login_lock')).toHaveLength(1);
  });

  it('is refused after so many wrong ones for one address from anywhere', async () => {
    const limits = exampleLimits({ FAILED_LOGINS_PER_ADDRESS_PER_HOUR: 100 });
    const check = examplePasswordCheck(accounts, { buckets, limits });
    const outcomes = [];
    for (let index = 0; index < 105; index++) {
      const networks = networksOf(`198.51.${index}.1`);
      const answer = check.isRight(claim(`wrong ${index}`, { networks }), stored());
      outcomes.push(await answer.catch((error: Error) => error.name));
    }
    expect(outcomes.slice(0, 100)).toEqual(new Array(100).fill(false));
    expect(outcomes.slice(100)).toEqual(new Array(5).fill('LimitExceeded'));
  });

  it('is not refused to a network that proved it, for what others tried meanwhile', async () => {
    const limits = exampleLimits({ FAILED_LOGINS_PER_ADDRESS_PER_HOUR: 5 });
    const check = examplePasswordCheck(accounts, { buckets, limits });
    const attack = async (times: number, from: number) => {
      const outcomes = [];
      for (let index = 0; index < times; index++) {
        const networks = networksOf(`198.51.${from + index}.1`);
        const answer = check.isRight(claim(`wrong ${index}`, { networks }), stored());
        outcomes.push(await answer.catch((error: Error) => error.name));
      }
      return outcomes;
    };
    expect(await check.isRight(claim(RIGHT), stored())).toBe(true);
    expect(await attack(7, 0)).toEqual([
      ...Array(5).fill(false),
      ...Array(2).fill('LimitExceeded'),
    ]);
    // Another address of the network that proved it.
    const neighbour = networksOf('203.0.113.77');
    expect(await check.isRight(claim(RIGHT, { networks: neighbour }), stored())).toBe(true);
    // The proof begins the count of the address anew.
    expect(await attack(6, 100)).toEqual([...Array(5).fill(false), 'LimitExceeded']);
    // The password of another claim was not proven.
    const later = { ...stored(), claimNumber: 2 };
    await expect(check.isRight(claim(RIGHT), later)).rejects.toThrow(LimitExceeded);
  });

  it('is refused after so many wrong ones from one network for any addresses', async () => {
    const limits = exampleLimits({ FAILED_LOGINS_PER_NETWORK_PER_HOUR: 10 });
    const check = examplePasswordCheck(accounts, { buckets, limits });
    const outcomes = [];
    for (let index = 0; index < 12; index++) {
      const someone = claim('wrong', { accountId: `someone ${index}` });
      const answer = check.isRight(someone, undefined);
      outcomes.push(await answer.catch((error: Error) => error.name));
    }
    expect(outcomes.filter((outcome) => outcome === false)).toHaveLength(10);
    expect(securityEvents().at(-1)).toBe('excess_rate_limit_exceeded');
  });

  it('lets a client in that proved the password lately, whatever others tried', async () => {
    const limits = exampleLimits({ FAILED_LOGINS_PER_ADDRESS_AND_NETWORK_PER_HOUR: 1 });
    const check = examplePasswordCheck(accounts, { buckets, limits, cacheMs: 60_000 });
    await check.isRight(claim(RIGHT), stored());
    await check.isRight(claim('wrong'), stored());
    await expect(check.isRight(claim('wrong again'), stored())).rejects.toThrow(LimitExceeded);
    expect(await check.isRight(claim(RIGHT), stored())).toBe(true);
  });

  it('refuses every login while calls cannot be counted', async () => {
    const check = examplePasswordCheck(accounts, { buckets });
    buckets.fault = new DatabaseUnavailable('down');
    await expect(check.isRight(claim(RIGHT), stored())).rejects.toBe(buckets.fault);
    expect(accounts.passwordHasher.verified).toBe(0);
  });

  it('takes as long, and says the same, when the pepper of the stored hash is missing', async () => {
    const check = examplePasswordCheck(accounts, { buckets });
    const compared: unknown[] = [];
    accounts.passwordHasher.verify = async (_, compareWith) => {
      compared.push(compareWith);
      if (compareWith !== undefined) throw new UnknownKey('PASSWORD_PEPPERS', 'p1');
      return false;
    };
    expect(await check.isRight(claim(RIGHT), stored())).toBe(false);
    expect(compared).toEqual([stored(), undefined]);
    expect(accounts.logged).toContainEqual(
      expect.objectContaining({ level: 50, reason: 'PASSWORD_PEPPERS holds no key called p1' }),
    );
  });

  it('brings an outdated hash up to date, behind the answer', async () => {
    await accounts.registered(`old hash of ${RIGHT}`);
    const check = examplePasswordCheck(accounts, { buckets });
    expect(await check.isRight(claim(RIGHT), stored(`old hash of ${RIGHT}`))).toBe(true);
    await accounts.upgrades.settled();
    const [, , upgraded] = await accounts.recorded();
    expect(upgraded).toMatchObject({
      type: 'PasswordHashUpgraded',
      data: { passwordHash: `hash of ${RIGHT}` },
      metadata: { actor: 'account', $correlationId: exampleContext.requestId },
    });
  });

  it('leaves an outdated hash when the password was wrong', async () => {
    await accounts.registered(`old hash of ${RIGHT}`);
    const check = examplePasswordCheck(accounts, { buckets });
    expect(await check.isRight(claim('wrong'), stored(`old hash of ${RIGHT}`))).toBe(false);
    await accounts.upgrades.settled();
    expect(await accounts.recorded()).toHaveLength(2);
  });

  it('answers although the hash cannot be brought up to date now', async () => {
    await accounts.registered(`old hash of ${RIGHT}`);
    const check = examplePasswordCheck(accounts, { buckets });
    accounts.store.goAway();
    expect(await check.isRight(claim(RIGHT), stored(`old hash of ${RIGHT}`))).toBe(true);
    await accounts.upgrades.settled();
    expect(accounts.logged.at(-1)).toMatchObject({ msg: 'a password hash was not upgraded' });
  });

  it('logs failures by id, and never what was typed', async () => {
    const check = examplePasswordCheck(accounts, { buckets });
    await check.isRight(claim('wrong\r\n{"level":60}'), stored());
    await check.isRight(claim(RIGHT), stored());
    expect(accounts.logged).toMatchObject([
      { securityEvent: 'authn_login_fail', accountId: accounts.accountId },
      { securityEvent: 'authn_login_success', accountId: accounts.accountId },
    ]);
    const text = JSON.stringify(accounts.logged);
    for (const secret of ['wrong', RIGHT, exampleAddress, '203.0.113.9']) {
      expect(text).not.toContain(secret);
    }
  });
});
