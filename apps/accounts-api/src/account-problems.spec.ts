import { describe, expect, it } from '@jest/globals';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationCodeOfOtherForm,
  ActivationCodeExhausted,
  ActivationCodeExpired,
  ActivationCodeIncorrect,
  ActivationCodeMissing,
  ActivationCodeNotUndeliverable,
  ActivationCodeRequestedTooSoon,
  CredentialsSuperseded,
} from '@app/accounts';
import type { BrokenRule, BrokenRuleName } from '@app/accounts';
import { EventStoreUnavailable, TooMuchContention } from '@app/event-store';
import { commonProblems } from '@app/http-service';
import { ReadModelBehind } from '@app/consumers';
import { DatabaseUnavailable } from '@app/postgres';
import { loadConfiguration } from '@app/process';
import { accountProblemTable, accountProblems } from './account-problems.js';
import { WriteNotInLog } from './read-your-writes/read-your-writes.js';
import { unauthenticated } from './basic-auth/unauthenticated.js';
import { limitSettings, limitsOf } from './limits/limits.js';
import type { Limit, NetworkLimits } from './limits/limits.js';
import { LimitExceeded } from './limits/throttle.js';
import { HashingOverloaded } from './passwords/password-hasher.js';

const now = Date.UTC(2026, 10, 22, 12);
const problemOf = accountProblemTable(() => now);

/** Operators alone are refused with what is left out. */
type OwnRuleName = Exclude<BrokenRuleName, 'ActivationCodeNotUndeliverable'>;

/** An entry for every rule: the type check fails when one is added and forgotten here. */
const rules: Readonly<Record<OwnRuleName, readonly [BrokenRule, string, number]>> = {
  AccountNotRegistered: [new AccountNotRegistered(), 'unauthenticated', 401],
  CredentialsSuperseded: [new CredentialsSuperseded(), 'unauthenticated', 401],
  AccountAlreadyActive: [new AccountAlreadyActive(now), 'account-already-active', 409],
  ActivationCodeMissing: [new ActivationCodeMissing(), 'activation-code-missing', 409],
  ActivationCodeExpired: [new ActivationCodeExpired(now), 'activation-code-expired', 410],
  ActivationCodeExhausted: [new ActivationCodeExhausted(), 'activation-code-exhausted', 410],
  ActivationCodeIncorrect: [new ActivationCodeIncorrect(2), 'activation-code-incorrect', 422],
  ActivationCodeOfOtherForm: [new ActivationCodeOfOtherForm('long'), 'invalid-request', 400],
  ActivationCodeRequestedTooSoon: [
    new ActivationCodeRequestedTooSoon(now + 1),
    'activation-code-requested-too-soon',
    429,
  ],
};

describe('The table of problems', () => {
  it.each(Object.entries(rules))('has the broken rule %s', (_, [error, slug, status]) => {
    const problem = problemOf(error);
    expect(problem?.type).toMatchObject({ slug, status });
    expect(problem?.detail).not.toBe('');
  });

  it('has the write that a token names and the log does not have', () => {
    const problem = problemOf(new WriteNotInLog());
    expect(problem?.type).toMatchObject({ slug: 'write-not-in-log', status: 409 });
    expect(problem?.detail).toMatch(/Leave the header out/);
  });

  it('says since when an account is active', () => {
    const problem = problemOf(new AccountAlreadyActive(Date.UTC(2026, 10, 22)));
    expect(problem?.extras.members).toEqual({ activatedAt: '2026-11-22T00:00:00.000Z' });
  });

  it('says how many guesses are left', () => {
    const problem = problemOf(new ActivationCodeIncorrect(2));
    expect(problem?.extras.members).toEqual({ attemptsLeft: 2 });
  });

  it('answers superseded credentials as wrong ones, in every byte', () => {
    for (const error of [new CredentialsSuperseded(), new AccountNotRegistered()]) {
      const problem = problemOf(error);
      expect(problem?.detail).toBe(unauthenticated().detail);
      expect(problem?.detail).not.toMatch(/replaced/);
      expect(problem?.extras).toEqual({
        headers: { 'WWW-Authenticate': 'Basic realm="account", charset="UTF-8"' },
      });
    }
  });

  it.each([
    [-5_000, '1'],
    [0, '1'],
    [1, '1'],
    [1_000, '1'],
    [1_001, '2'],
    [29_999, '30'],
    [86_400_000, '86400'],
  ])('says when to come back: %p ms from now is Retry-After %s', (milliseconds, header) => {
    const problem = problemOf(new ActivationCodeRequestedTooSoon(now + milliseconds));
    expect(problem?.extras.headers).toEqual({ 'Retry-After': header });
  });

  it('gives the figures of a limit that counts the own networks of the caller, and of no other', () => {
    const headersOf = (limit: Limit) =>
      problemOf(new LimitExceeded(limit, 119.2, true))?.extras.headers;
    const limits = limitsOf(
      loadConfiguration(limitSettings(true), {}) as Parameters<typeof limitsOf>[0],
    );
    expect(headersOf(limits.failedLoginsOfPair)).toEqual({
      'Retry-After': '120',
      RateLimit: '"failed-logins/address-and-network";r=0;t=120',
      'RateLimit-Policy': '"failed-logins/address-and-network";q=30;w=3600',
    });
    const all = Object.values<Limit | NetworkLimits>({ ...limits }).flatMap((one) =>
      'calls' in one ? [one] : Object.values(one),
    );
    const silent = all.filter((limit) => !('RateLimit' in (headersOf(limit) ?? {})));
    expect(silent.map(({ name }) => name)).toEqual([
      'registrations/address',
      'new-codes/address',
      'mails/address',
      'failed-logins/address',
    ]);
    for (const limit of silent) expect(headersOf(limit)).toEqual({ 'Retry-After': '120' });
  });

  it.each([
    ['the event store', new EventStoreUnavailable('10.0.0.7 refused'), '2'],
    ['PostgreSQL', new DatabaseUnavailable('10.0.0.7 refused'), '2'],
    ['a read model that lags', new ReadModelBehind('accounts', 2n, 1n), '1'],
    ['contention', new TooMuchContention('account-10.0.0.7', 30), '1'],
    ['too many passwords', new HashingOverloaded(3), '3'],
  ])(
    'answers 503 for %s, keeps the cause for the log, and reveals nothing of it',
    (_, error, retryAfter) => {
      const problem = problemOf(error);
      expect(problem?.type).toBe(commonProblems.serviceUnavailable);
      expect(problem?.extras.headers).toEqual({ 'Retry-After': retryAfter });
      expect(problem?.cause).toBe(error);
      expect(problem?.detail).not.toMatch(/10\.0\.0\.7|accounts|event|postgres/i);
    },
  );

  it.each([
    new Error('anything'),
    new ActivationCodeNotUndeliverable(1),
    new TypeError('x is undefined'),
    undefined,
    'text',
  ])('knows nothing of %p', (error) => {
    expect(problemOf(error)).toBeUndefined();
  });

  it('has slugs that no common problem has', () => {
    const slugs = Object.values({ ...commonProblems, ...accountProblems }).map(({ slug }) => slug);
    expect(new Set(slugs).size).toBe(
      Object.keys(commonProblems).length + Object.keys(accountProblems).length,
    );
  });
});
