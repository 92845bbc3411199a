import { describe, expect, it } from '@jest/globals';
import { evolve, initialState } from './account.js';
import { AccountAlreadyActive, CredentialsSuperseded } from './account-errors.js';
import type { AccountEvent } from './account-events.js';
import { activationProgress, nextCodeAllowedAt } from './activation-progress.js';
import { defaultActivationPolicy } from './activation-policy.js';
import {
  MINUTE,
  SECOND,
  accountActivated,
  accountRegistered,
  activationRefused,
  codeIssued,
  codeSent,
  codeUndeliverable,
  mailBounced,
  mailDelivered,
  noon,
  registrationRenewed,
} from './testing/account-examples.js';

const after = (...history: readonly AccountEvent[]) => history.reduce(evolve, initialState);
const progressOf = (claim: number, ...history: readonly AccountEvent[]) =>
  activationProgress(after(...history), claim, defaultActivationPolicy);

describe('The way to activation', () => {
  const issued = [accountRegistered(), codeIssued()];
  const sent = [...issued, codeSent()];

  it('begins with a code on its way: nothing expires yet', () => {
    expect(progressOf(1, ...issued)).toEqual({
      codeState: 'issued',
      codeExpiresAt: undefined,
      attemptsLeft: 3,
      newCodeAllowedAt: noon + 30 * SECOND,
    });
  });

  it('goes on by what becomes of the mail', () => {
    const expiring = { codeExpiresAt: noon + MINUTE };
    expect(progressOf(1, ...sent)).toMatchObject({ codeState: 'sent', ...expiring });
    const delivered = mailDelivered(1, noon + SECOND);
    expect(progressOf(1, ...sent, delivered)).toMatchObject({
      codeState: 'delivered',
      ...expiring,
    });
    for (const lost of [codeUndeliverable(1, noon), mailBounced(1, 'permanent', noon)]) {
      expect(progressOf(1, ...sent, lost)).toMatchObject({
        codeState: 'undeliverable',
        codeExpiresAt: undefined,
      });
    }
  });

  it('knows what the provider reported sooner than we had recorded that it took the mail', () => {
    const early = [...issued, mailDelivered(1, noon), codeSent()];
    expect(progressOf(1, ...early)).toMatchObject({
      codeState: 'delivered',
      codeExpiresAt: noon + MINUTE,
    });
  });

  it('has fewer attempts after each wrong code, and as many at a new one', () => {
    const wrong = activationRefused(1, 'incorrect', noon + SECOND);
    expect(progressOf(1, ...sent, wrong)).toMatchObject({ attemptsLeft: 2 });
    expect(progressOf(1, ...sent, wrong, wrong, wrong)).toMatchObject({ attemptsLeft: 0 });
    const again = codeIssued(2, noon + MINUTE);
    expect(progressOf(1, ...sent, wrong, again)).toMatchObject({ attemptsLeft: 3 });
  });

  it('waits longer when a network has had its codes of an hour', () => {
    const codes = [0, 1, 2, 3, 4].map((n) => codeIssued(n + 1, noon + n * MINUTE));
    const { newCodeAllowedAt } = progressOf(1, accountRegistered(), ...codes);
    expect(newCodeAllowedAt).toBe(noon + 60 * MINUTE);
  });

  it('is none with the password of a claim that ended, or of an account that is active', () => {
    expect(() => progressOf(1, ...sent, registrationRenewed(noon))).toThrow(CredentialsSuperseded);
    expect(() => progressOf(1, ...sent, accountActivated(1, noon))).toThrow(AccountAlreadyActive);
  });
});

describe('What other networks do', () => {
  const theirs = registrationRenewed(noon + SECOND, { network: 'elsewhere' });
  const own = [accountRegistered(), codeIssued(), codeSent()];
  const alone = progressOf(1, ...own);

  it('does not show: their claim, their wrong codes', () => {
    const wrong = activationRefused(1, 'incorrect', noon + 2 * SECOND, 2);
    expect(progressOf(1, ...own, theirs)).toEqual(alone);
    expect(progressOf(1, ...own, theirs, wrong, wrong, wrong)).toEqual(alone);
  });

  it('does not show in the claim that they see beside a code of others', () => {
    const one = progressOf(2, ...own, theirs);
    const later = [codeIssued(2, noon + MINUTE), codeSent(2, noon + MINUTE)];
    const wrong = activationRefused(2, 'incorrect', noon + MINUTE);
    expect(one).toEqual({
      codeState: undefined,
      codeExpiresAt: undefined,
      attemptsLeft: undefined,
      newCodeAllowedAt: noon + SECOND,
    });
    expect(progressOf(2, ...own, theirs, ...later, wrong)).toEqual(one);
    expect(progressOf(2, ...own, theirs, ...later, mailDelivered(2, noon))).toEqual(one);
  });

  it('shows only in that their code ended the own one, neither when nor how', () => {
    const taken = codeIssued(2, noon + MINUTE, 2);
    const found = progressOf(1, ...own, theirs, taken);
    expect(found).toMatchObject({ codeState: undefined, attemptsLeft: undefined });
    expect(found.newCodeAllowedAt).toBe(alone.newCodeAllowedAt);
    expect(progressOf(1, ...own, theirs, taken, codeSent(2, noon + MINUTE))).toEqual(found);
  });
});

describe('The next code may be asked for', () => {
  const now = noon + MINUTE;
  const before = after(accountRegistered(), codeIssued());
  const next = (state: typeof before) => nextCodeAllowedAt(state, 1, defaultActivationPolicy, now);

  it('half a minute later, whether the inbox took one more or was full of others’ mails', () => {
    expect(next(evolve(before, codeIssued(2, now)))).toBe(now + 30 * SECOND);
    expect(next(before)).toBe(now + 30 * SECOND);
  });
});
