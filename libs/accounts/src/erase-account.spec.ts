import { describe, expect, it } from '@jest/globals';
import { accountDecider } from './account-decider.js';
import { AccountNotRegistered, CredentialsSuperseded } from './account-errors.js';
import type { AccountEvent } from './account-events.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { EraseAccount } from './erase-account.js';
import type { LapseRegistration } from './lapse-registration.js';
import { operatorDecider } from './operator-decider.js';
import type { RegisterAccount } from './register-account.js';
import {
  accountErased,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  DAY,
  exampleNonce,
  MINUTE,
  noon,
  ownerNoticeIssued,
  pendingAccount,
  registeredAnew,
  registrationLapsed,
  registrationRefused,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const givenForOperators = givenWhenThen(operatorDecider, expect);
const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);

function erase(now: number, receiptId: string = ada.receiptId): EraseAccount {
  return { type: 'EraseAccount', receiptId, reason: 'requested-by-owner', now };
}

function lapse(now: number): LapseRegistration {
  return { type: 'LapseRegistration', retentionMs: 30 * DAY, now };
}

function register(now: number, issueNumber: number): RegisterAccount {
  return {
    type: 'RegisterAccount',
    address: ada.address,
    passwordHash: ada.newPasswordHash,
    network: ada.network,
    networkKey: ada.networkKey,
    nonce: exampleNonce(issueNumber),
    keyId: ada.keyId,
    language: ada.language,
    now,
  };
}

describe('Erasing an account', () => {
  it('forgets the person, pending or active, with all their registrations', () => {
    givenForOperators(...pendingAccount)
      .when(erase(noon + MINUTE))
      .then(accountErased(noon + MINUTE));
    givenForOperators(...pendingAccount, registrationRenewed(noon + MINUTE))
      .when(erase(noon + DAY))
      .then(accountErased(noon + DAY, 2));
    givenForOperators(...activeAccount)
      .when(erase(noon + DAY))
      .then(accountErased(noon + DAY));
  });

  it('is recorded once, and the first receipt stands', () => {
    const decided = givenForOperators(...activeAccount, accountErased(noon + DAY)).when(
      erase(noon + 2 * DAY, 'another receipt'),
    );
    decided.then();
    expect(decided.state).toMatchObject({ erasure: { receiptId: ada.receiptId } });
  });

  it('is recorded of a registration that lapsed', () => {
    givenForOperators(...pendingAccount, registrationLapsed(noon + DAY))
      .when(erase(noon + 2 * DAY))
      .then(accountErased(noon + 2 * DAY));
  });

  it('is refused when the address was never registered', () => {
    givenForOperators().when(erase(noon)).thenThrows(new AccountNotRegistered());
  });

  it('leaves nothing of the person in the state', () => {
    const { state } = given(...activeAccount, accountErased(noon + DAY));
    expect(JSON.stringify(state)).not.toContain(ada.address);
    expect(JSON.stringify(state)).not.toContain(ada.passwordHash);
  });
});

describe('A registration that is never completed', () => {
  it('lapses when its time is over, and not a moment before', () => {
    given(...pendingAccount)
      .when(lapse(noon + 30 * DAY - 1))
      .then();
    given(...pendingAccount)
      .when(lapse(noon + 30 * DAY))
      .then(registrationLapsed(noon + 30 * DAY));
  });

  it('has its time from the newest code on', () => {
    given(...pendingAccount, codeIssued(2, noon + DAY))
      .when(lapse(noon + 31 * DAY - 1))
      .then();
  });

  it('lapses once, and not when it was completed or erased', () => {
    const late = lapse(noon + 365 * DAY);
    given(...pendingAccount, registrationLapsed(noon + 30 * DAY))
      .when(late)
      .then();
    given(...activeAccount)
      .when(late)
      .then();
    given(...pendingAccount, accountErased(noon + DAY))
      .when(late)
      .then();
    given().when(late).then();
  });
});

describe.each([
  ['was erased', [...activeAccount, accountErased(noon + DAY)]],
  ['lapsed', [...pendingAccount, registrationLapsed(noon + DAY)]],
] as const)('An address whose account %s', (_, history: readonly AccountEvent[]) => {
  it('can be registered anew, by a person whose numbers go on', () => {
    given(...history)
      .when(register(noon + 2 * DAY, 2))
      .then(registeredAnew(noon + 2 * DAY), codeIssued(2, noon + 2 * DAY, 2));
  });

  it('has nothing to activate and no credentials', () => {
    const guess = {
      type: 'ActivateAccount',
      guess: '0001',
      expected: undefined,
      nonce: exampleNonce(2),
      keyId: ada.keyId,
      now: noon + 2 * DAY,
    } as const;
    given(...history)
      .when({ ...guess, provenClaim: 1 })
      .thenThrows(new AccountNotRegistered());
    given(...history, registeredAnew(noon + 2 * DAY), codeIssued(2, noon + 2 * DAY, 2))
      .when({ ...guess, provenClaim: 1 })
      .thenThrows(new CredentialsSuperseded());
  });

  it('ignores late news of what was sent to the person before', () => {
    const anew = [...history, registeredAnew(noon + 2 * DAY), codeIssued(2, noon + 2 * DAY, 2)];
    const { state } = given(...anew);
    expect(given(...anew, codeSent(1, noon + 2 * DAY)).state).toEqual(state);
  });
});

describe('What is counted against an address', () => {
  const guessedAway = [1, 2, 3].flatMap((issueNumber) => [
    codeIssued(issueNumber, noon + issueNumber * MINUTE),
    ...[1, 2, 3].map((guess) =>
      activationRefused(issueNumber, 'incorrect', noon + issueNumber * MINUTE + guess),
    ),
  ]);

  it('is still counted after an erasure', () => {
    const at = noon + 10 * MINUTE;
    const before = given(accountRegistered(), ...guessedAway).state;
    const after = given(
      accountRegistered(),
      ...guessedAway,
      accountErased(at),
      registeredAnew(at),
    ).state;
    expect(before).toMatchObject({ wrongGuessesAt: { length: 9 }, codesIssued: { length: 3 } });
    const counted = before.status === 'pending' ? before : undefined;
    expect(after).toMatchObject({
      wrongGuessesAt: counted?.wrongGuessesAt,
      codesIssued: counted?.codesIssued,
    });
  });

  it('keeps a code back that would come too soon', () => {
    given(...pendingAccount, accountErased(noon + SECOND))
      .when(register(noon + 2 * SECOND, 2))
      .then(registeredAnew(noon + 2 * SECOND));
  });

  it('is still counted when the account had been activated', () => {
    const at = noon + 10 * MINUTE;
    const { state } = given(
      ...pendingAccount,
      activationRefused(1, 'incorrect', noon + SECOND),
      ...activeAccount.slice(3),
      accountErased(at),
      registeredAnew(at),
    );
    expect(state).toMatchObject({
      wrongGuessesAt: [noon + SECOND],
      codesIssued: [{ at: noon, network: ada.network }],
    });
  });
});

describe('A notice that was not sent yet', () => {
  it('does not reach a person who registers the address anew', () => {
    const { state } = given(
      ...activeAccount,
      registrationRefused(noon + DAY),
      ownerNoticeIssued(1, noon + DAY),
      accountErased(noon + DAY + SECOND),
      registeredAnew(noon + 2 * DAY),
    );
    expect(state).toMatchObject({ ownerNotice: { noticeNumber: 1, delivery: 'undeliverable' } });
  });
});
