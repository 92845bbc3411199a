import { describe, expect, it } from '@jest/globals';
import { accountDecider } from './account-decider.js';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  CredentialsSuperseded,
} from './account-errors.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { FreeAccount } from './free-account.js';
import { operatorDecider } from './operator-decider.js';
import {
  accountFreed,
  accountRegistered,
  activationRefused,
  activeAccount,
  ada,
  codeIssued,
  codeSent,
  exampleNonce,
  MINUTE,
  noon,
  pendingAccount,
  registrationRenewed,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const givenForOperators = givenWhenThen(operatorDecider, expect);
const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);

const free = (now: number): FreeAccount => ({ type: 'FreeAccount', now });
const register = (now: number, issueNumber: number) =>
  ({
    type: 'RegisterAccount',
    address: ada.address,
    passwordHash: ada.newPasswordHash,
    network: 'train',
    networkKey: ada.networkKey,
    nonce: exampleNonce(issueNumber),
    keyId: ada.keyId,
    language: ada.language,
    now,
  }) as const;
const claims = Array.from({ length: 9 }, (_, index) =>
  registrationRenewed(noon + SECOND, { network: `stranger ${index}` }),
);
const crowded = [...pendingAccount, ...claims];

describe('Freeing an address', () => {
  it('ends every claim and the code, so that its owner can register at once and gets a mail', () => {
    given(...crowded)
      .when(register(noon + 2 * SECOND, 2))
      .then();
    const at = noon + 2 * SECOND;
    const freed = givenForOperators(...crowded).when(free(at));
    freed.then(accountFreed(at, 10));
    expect(freed.state).toMatchObject({ claims: [], code: undefined, codesIssued: [] });
    const again = given(...crowded, accountFreed(at, 10)).when(register(at, 2));
    expect(again.events.map(({ type }) => type)).toEqual([
      'RegistrationRenewed',
      'ActivationCodeIssued',
    ]);
    expect(again.events.at(-1)).toMatchObject({ data: { issueNumber: 2, claimNumber: 11 } });
  });

  it('leaves the passwords of ended claims worthless', () => {
    given(...crowded, accountFreed(noon + SECOND, 10))
      .when({
        type: 'RequestActivationCode',
        provenClaim: 1,
        nonce: exampleNonce(2),
        keyId: ada.keyId,
        now: noon + MINUTE,
      })
      .thenThrows(new CredentialsSuperseded());
  });

  it('keeps guesses counted and codes long', () => {
    const guesses = [1, 2, 3, 4].flatMap((issueNumber) => [
      codeIssued(issueNumber),
      ...Array.from({ length: issueNumber < 4 ? 3 : 1 }, () =>
        activationRefused(issueNumber, 'incorrect', noon),
      ),
    ]);
    const contested = [
      accountRegistered(),
      ...guesses,
      codeIssued(5, noon, 1, 'long'),
      codeSent(5),
    ];
    const at = noon + MINUTE;
    const { state, events } = given(...contested, accountFreed(at, 1)).when(register(at, 6));
    expect(state).toMatchObject({ wrongGuessesAt: { length: 10 } });
    expect(events.at(-1)).toEqual(codeIssued(6, at, 2, 'long'));
  });

  it('makes no sense for an address that is active or not registered', () => {
    givenForOperators(...activeAccount)
      .when(free(noon))
      .thenThrows(new AccountAlreadyActive(noon + 10 * SECOND));
    givenForOperators().when(free(noon)).thenThrows(new AccountNotRegistered());
  });
});
