import { describe, expect, it } from '@jest/globals';
import { evolve, initialState, MOST_MAIL_EVENT_IDS, type Account } from './account.js';
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
  mailBounced,
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
      networkKey: ada.networkKey,
      claims: [
        {
          number: 1,
          network: ada.network,
          address: ada.address,
          passwordHash: ada.passwordHash,
          language: ada.language,
          madeAt: noon,
        },
      ],
      registrationNumber: 1,
      registeredAt: noon,
      code: {
        issueNumber: 1,
        nonce: exampleNonce(1),
        keyId: ada.keyId,
        issuedAt: noon,
        form: 'short',
        askedBy: { network: ada.network, address: ada.address, language: ada.language },
        delivery: { status: 'sent', sentAt: noon, expiresAt: noon + MINUTE },
        tries: [],
      },
      codesIssued: [{ at: noon, network: ada.network }],
      longRefusalsAt: [],
      wrongGuessesAt: [],
      mailEventIds: [],
      lastIssueNumber: 1,
      ownerNotice: undefined,
    });
  });

  it('is active with the claim that was proven', () => {
    const renewed = registrationRenewed(noon + SECOND);
    expect(after(...pendingAccount, renewed, accountActivated(1, noon + 2 * SECOND, 2))).toEqual({
      status: 'active',
      claim: {
        number: 2,
        network: ada.network,
        address: ada.address,
        passwordHash: ada.newPasswordHash,
        language: ada.language,
        madeAt: noon + SECOND,
      },
      registrationNumber: 2,
      registeredAt: noon,
      activatedAt: noon + 2 * SECOND,
      lastIssueNumber: 1,
      codesIssued: [{ at: noon, network: ada.network }],
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
      codesIssued: [{ at: noon + 2 * HOUR }, { at: noon + DAY + HOUR }],
      wrongGuessesAt: [noon + 31 * DAY],
    });
  });
});

describe("The provider's reports", () => {
  const reports = Array.from({ length: MOST_MAIL_EVENT_IDS + 1 }, (_, index) =>
    mailBounced(1, 'transient', noon, `report ${index}`),
  );

  it('do not make an account grow: the newest are remembered', () => {
    for (const history of [pendingAccount, activeAccount]) {
      const ids = reports.slice(1).map(({ data }) => data.providerEventId);
      expect(after(...history, ...reports)).toMatchObject({ mailEventIds: ids });
    }
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
