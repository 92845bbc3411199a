import { describe, expect, it } from '@jest/globals';
import { accountDecider } from './account-decider.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { RegisterAccount } from './register-account.js';
import {
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  codeUndeliverable,
  DAY,
  exampleNonce,
  MINUTE,
  noon,
  ownerNoticeIssued,
  ownerNoticeUndeliverable,
  ownerNotified,
  pendingAccount,
  registrationRefused,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);

function register(change: Partial<RegisterAccount> = {}): RegisterAccount {
  return {
    type: 'RegisterAccount',
    address: ada.address,
    passwordHash: ada.passwordHash,
    nonce: exampleNonce(1),
    keyId: ada.keyId,
    language: ada.language,
    now: noon,
    ...change,
  };
}

function registerAgain(now: number, issueNumber: number): RegisterAccount {
  return register({ passwordHash: ada.newPasswordHash, nonce: exampleNonce(issueNumber), now });
}

describe('Registering an address', () => {
  it('that is new registers it and issues code 1', () => {
    given().when(register()).then(accountRegistered(), codeIssued());
  });

  it('that is pending renews the registration and issues a new code', () => {
    given(...pendingAccount)
      .when(registerAgain(noon + 30 * SECOND, 2))
      .then(registrationRenewed(noon + 30 * SECOND), codeIssued(2, noon + 30 * SECOND));
  });

  it('that is pending, too soon for a new code, keeps the one mailed before', () => {
    const early = noon + 29_999;
    const decided = given(...pendingAccount).when(registerAgain(early, 2));
    decided.then(registrationRenewed(early));
    expect(decided.state).toMatchObject({
      status: 'pending',
      passwordHash: ada.newPasswordHash,
      registrationNumber: 2,
      code: { issueNumber: 1, delivery: { status: 'sent' } },
    });
  });

  it('again and again takes no more codes than the hour allows', () => {
    const issues = [1, 2, 3, 4, 5].map((n) => codeIssued(n, noon + (n - 1) * MINUTE));
    const last = noon + 60 * MINUTE - 1;
    given(accountRegistered(), ...issues)
      .when(registerAgain(last, 6))
      .then(registrationRenewed(last));
    given(accountRegistered(), ...issues)
      .when(registerAgain(last + 1, 6))
      .then(registrationRenewed(last + 1), codeIssued(6, last + 1));
  });

  it('again gives back neither the guesses of the code nor those of the address', () => {
    const guesses = [1, 2].map((n) => activationRefused(1, 'incorrect', noon + n * SECOND));
    const decided = given(...pendingAccount, ...guesses).when(registerAgain(noon + 3 * SECOND, 2));
    expect(decided.state).toMatchObject({
      code: { issueNumber: 1, wrongGuesses: 2 },
      wrongGuessesAt: [noon + SECOND, noon + 2 * SECOND],
    });
  });

  it('whose code was undeliverable issues another, within the same budget', () => {
    const failed = [accountRegistered(), codeIssued(), codeUndeliverable(1, noon + SECOND)];
    given(...failed)
      .when(registerAgain(noon + 2 * SECOND, 2))
      .then(registrationRenewed(noon + 2 * SECOND));
    given(...failed)
      .when(registerAgain(noon + 30 * SECOND, 2))
      .then(registrationRenewed(noon + 30 * SECOND), codeIssued(2, noon + 30 * SECOND));
  });

  it('that is active changes no credentials, is recorded, and gives the owner notice', () => {
    const decided = given(...activeAccount).when(
      register({ passwordHash: ada.newPasswordHash, now: noon + MINUTE }),
    );
    decided.then(registrationRefused(noon + MINUTE), ownerNoticeIssued(1, noon + MINUTE));
    expect(decided.state).toEqual({
      ...given(...activeAccount).state,
      registrationRefusedAt: noon + MINUTE,
      ownerNotice: {
        noticeNumber: 1,
        issuedAt: noon + MINUTE,
        language: ada.language,
        delivery: 'awaited',
      },
    });
  });

  it('that is active is recorded once in 24 hours, however often anybody asks', () => {
    const refused = [...activeAccount, registrationRefused(noon), ownerNoticeIssued(1, noon)];
    for (const later of [0, SECOND, DAY - 1]) {
      given(...refused)
        .when(register({ now: noon + later }))
        .then();
    }
    given(...refused)
      .when(register({ now: noon + DAY }))
      .then(registrationRefused(noon + DAY), ownerNoticeIssued(2, noon + DAY));
  });

  const waits = {
    'waits to be mailed': [],
    'was mailed': [ownerNotified(1, noon + MINUTE)],
    'could not be mailed': [ownerNoticeUndeliverable(1, noon + MINUTE)],
  };
  for (const [what, facts] of Object.entries(waits)) {
    it(`that is active gives no second notice within 24 hours of one that ${what}`, () => {
      const noticed = [...activeAccount, ownerNoticeIssued(1, noon + MINUTE), ...facts];
      given(...noticed)
        .when(register({ now: noon + MINUTE + DAY - 1 }))
        .then(registrationRefused(noon + MINUTE + DAY - 1));
      given(...noticed)
        .when(register({ now: noon + MINUTE + DAY }))
        .then(registrationRefused(noon + MINUTE + DAY), ownerNoticeIssued(2, noon + MINUTE + DAY));
    });
  }

  it('does nothing, whatever the address has, when it was registered too often', () => {
    for (const facts of [[], pendingAccount, activeAccount]) {
      given(...facts)
        .when(register({ now: noon + DAY, allowed: 'nothing' }))
        .then();
    }
  });

  it('issues neither a code nor a notice for an inbox that gets no more mails today', () => {
    const allowed = 'registration' as const;
    given().when(register({ allowed })).then(accountRegistered());
    given(...pendingAccount)
      .when({ ...registerAgain(noon + 60 * MINUTE, 2), allowed })
      .then(registrationRenewed(noon + 60 * MINUTE));
    given(...activeAccount)
      .when(register({ now: noon + DAY, allowed }))
      .then(registrationRefused(noon + DAY));
  });

  it('numbers registrations, so that replaced credentials can be recognised', () => {
    const { state } = given(
      ...pendingAccount,
      registrationRenewed(noon + MINUTE),
      codeIssued(2, noon + MINUTE),
      codeSent(2, noon + MINUTE),
      registrationRenewed(noon + 2 * MINUTE),
    );
    expect(state).toMatchObject({ registrationNumber: 3, registeredAt: noon });
  });
});
