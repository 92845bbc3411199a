import { describe, expect, it } from '@jest/globals';
import { evolve, initialState, type Account } from './account.js';
import type { AccountEvent } from './account-events.js';
import {
  accountActivated,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  DAY,
  exampleNonce,
  HOUR,
  MINUTE,
  noon,
  pendingAccount,
  registrationRefused,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';

function after(...history: AccountEvent[]): Account {
  return history.reduce(evolve, initialState);
}

describe('An account', () => {
  it('is not registered at first', () => {
    expect(initialState).toEqual({ status: 'not-registered' });
  });

  it('is pending once registered', () => {
    expect(after(...pendingAccount)).toEqual({
      status: 'pending',
      address: ada.address,
      passwordHash: ada.passwordHash,
      registrationNumber: 1,
      registeredAt: noon,
      code: {
        issueNumber: 1,
        nonce: exampleNonce(1),
        keyId: ada.keyId,
        issuedAt: noon,
        language: ada.language,
        delivery: { status: 'sent', sentAt: noon, expiresAt: noon + MINUTE },
        wrongGuesses: 0,
        refusals: [],
      },
      codesIssuedAt: [noon],
      wrongGuessesAt: [],
      mailEventIds: [],
      lastIssueNumber: 1,
      ownerNotice: undefined,
    });
  });

  it('is active with the credentials of its last registration', () => {
    const renewed = registrationRenewed(noon + SECOND);
    expect(after(...pendingAccount, renewed, accountActivated(1, noon + 2 * SECOND))).toEqual({
      status: 'active',
      address: ada.address,
      passwordHash: ada.newPasswordHash,
      registrationNumber: 2,
      registeredAt: noon,
      activatedAt: noon + 2 * SECOND,
      lastIssueNumber: 1,
      codesIssuedAt: [noon],
      wrongGuessesAt: [],
      mailEventIds: [],
      ownerNotice: undefined,
    });
  });

  it('forgets what no budget counts any more', () => {
    const state = after(
      accountRegistered(),
      codeIssued(1, noon),
      activationRefused(1, 'incorrect', noon + MINUTE),
      codeIssued(2, noon + 2 * HOUR),
      codeIssued(3, noon + DAY + HOUR),
      activationRefused(3, 'incorrect', noon + 31 * DAY),
    );
    expect(state).toMatchObject({
      codesIssuedAt: [noon + 2 * HOUR, noon + DAY + HOUR],
      wrongGuessesAt: [noon + 31 * DAY],
    });
  });
});

describe('A fact that cannot follow', () => {
  it('changes nothing before the registration', () => {
    for (const event of [
      registrationRenewed(noon),
      registrationRefused(noon),
      codeIssued(),
      codeSent(),
      codeUndeliverable(1, noon),
      activationRefused(1, 'incorrect', noon),
      accountActivated(1, noon),
    ]) {
      expect(after(event)).toBe(initialState);
    }
  });

  it('changes nothing after the activation', () => {
    const active = after(...activeAccount);
    for (const event of [
      accountRegistered(noon + DAY),
      registrationRenewed(noon + DAY),
      codeIssued(2, noon + DAY),
      codeSent(1, noon + DAY),
      codeUndeliverable(1, noon + DAY),
      activationRefused(1, 'incorrect', noon + DAY),
      accountActivated(2, noon + DAY),
    ]) {
      expect(evolve(active, event)).toBe(active);
    }
  });

  it('is a second first registration', () => {
    const pending = after(...pendingAccount);
    expect(evolve(pending, accountRegistered(noon + DAY))).toBe(pending);
  });

  it('is news of a code that a newer one replaced', () => {
    const pending = after(...pendingAccount, codeIssued(2, noon + MINUTE));
    for (const event of [
      codeSent(1, noon + MINUTE),
      codeUndeliverable(1, noon + MINUTE),
      activationRefused(1, 'expired', noon + MINUTE),
    ]) {
      expect(evolve(pending, event)).toBe(pending);
    }
  });
});
