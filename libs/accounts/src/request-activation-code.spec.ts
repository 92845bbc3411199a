import { describe, expect, it } from '@jest/globals';
import { accountDecider } from './account-decider.js';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationCodeRequestedTooSoon,
  CredentialsSuperseded,
} from './account-errors.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { RequestActivationCode } from './request-activation-code.js';
import {
  accountRegistered,
  activeAccount,
  ada,
  codeIssued,
  codeUndeliverable,
  DAY,
  exampleNonce,
  HOUR,
  MINUTE,
  noon,
  pendingAccount,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);

function request(now: number, issueNumber = 2, provenClaim = 1): RequestActivationCode {
  return {
    type: 'RequestActivationCode',
    provenClaim,
    nonce: exampleNonce(issueNumber),
    keyId: ada.keyId,
    now,
  };
}

function issuedAt(...instants: number[]) {
  return [accountRegistered(), ...instants.map((at, index) => codeIssued(index + 1, at))];
}

describe('Requesting a new activation code', () => {
  it('issues the next one, which voids the one before', () => {
    const decided = given(...pendingAccount).when(request(noon + MINUTE));
    decided.then(codeIssued(2, noon + MINUTE));
    expect(decided.state).toMatchObject({
      code: { issueNumber: 2, delivery: { status: 'awaited' }, tries: [] },
    });
  });

  it('is refused until 30 s after the last one', () => {
    given(...pendingAccount)
      .when(request(noon + 29_999))
      .thenThrows(new ActivationCodeRequestedTooSoon(noon + 30 * SECOND));
    given(...pendingAccount)
      .when(request(noon + 30 * SECOND))
      .then(codeIssued(2, noon + 30 * SECOND));
  });

  it('counts codes that could not be delivered', () => {
    given(accountRegistered(), codeIssued(), codeUndeliverable(1, noon + SECOND))
      .when(request(noon + 2 * SECOND))
      .thenThrows(new ActivationCodeRequestedTooSoon(noon + 30 * SECOND));
  });

  it('is refused when the last hour saw five', () => {
    const five = issuedAt(...[0, 1, 2, 3, 4].map((n) => noon + n * MINUTE));
    given(...five)
      .when(request(noon + HOUR - 1, 6))
      .thenThrows(new ActivationCodeRequestedTooSoon(noon + HOUR));
    given(...five)
      .when(request(noon + HOUR, 6))
      .then(codeIssued(6, noon + HOUR));
  });

  it('is refused when the last 24 hours saw ten', () => {
    const ten = issuedAt(...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => noon + n * HOUR));
    given(...ten)
      .when(request(noon + DAY - 1, 11))
      .thenThrows(new ActivationCodeRequestedTooSoon(noon + DAY));
    given(...ten)
      .when(request(noon + DAY, 11))
      .then(codeIssued(11, noon + DAY));
  });

  it('names the latest of the limits that bind', () => {
    const start = noon + DAY - 20 * MINUTE;
    const ten = issuedAt(
      ...[0, 1, 2, 3, 4].map((n) => noon + n * MINUTE),
      ...[0, 1, 2, 3, 4].map((n) => start + n * MINUTE),
    );
    // The hour frees at start + 60 min, the day 20 min after start, the interval 4.5 min after it.
    given(...ten)
      .when(request(start + 4 * MINUTE + 1, 11))
      .thenThrows(new ActivationCodeRequestedTooSoon(start + HOUR));
  });

  it('of an address that is not registered is refused', () => {
    given().when(request(noon)).thenThrows(new AccountNotRegistered());
  });

  it('for an active account is refused', () => {
    given(...activeAccount)
      .when(request(noon + MINUTE))
      .thenThrows(new AccountAlreadyActive(noon + 10 * SECOND));
  });

  it('with replaced credentials is refused, and takes nothing from the budget', () => {
    const renewed = [...pendingAccount, registrationRenewed(noon + SECOND)];
    given(...renewed)
      .when(request(noon + MINUTE, 2, 1))
      .thenThrows(new CredentialsSuperseded());
    given(...renewed)
      .when(request(noon + MINUTE, 2, 2))
      .then(codeIssued(2, noon + MINUTE, 2));
  });
});
