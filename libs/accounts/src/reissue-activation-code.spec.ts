import { describe, expect, it } from '@jest/globals';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationCodeNotUndeliverable,
} from './account-errors.js';
import { operatorDecider } from './operator-decider.js';
import type { ReissueActivationCode } from './reissue-activation-code.js';
import {
  accountRegistered,
  activeAccount,
  ada,
  codeIssued,
  codeUndeliverable,
  exampleNonce,
  MINUTE,
  noon,
  pendingAccount,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const given = givenWhenThen(operatorDecider, expect);

function reissue(issueNumber: number, now: number): ReissueActivationCode {
  return {
    type: 'ReissueActivationCode',
    issueNumber,
    nonce: exampleNonce(issueNumber + 1),
    keyId: ada.keyId,
    now,
  };
}

const undeliverable = [
  accountRegistered(),
  codeIssued(),
  codeUndeliverable(1, noon + SECOND),
] as const;

describe('Reissuing an activation code', () => {
  it('issues the next code in place of one that could not be delivered, whatever the limits', () => {
    given(...undeliverable)
      .when(reissue(1, noon + 2 * SECOND))
      .then(codeIssued(2, noon + 2 * SECOND));
  });

  it('is refused while the mail is under way', () => {
    given(accountRegistered(), codeIssued())
      .when(reissue(1, noon + MINUTE))
      .thenThrows(new ActivationCodeNotUndeliverable(1));
  });

  it('is refused when the mail was sent', () => {
    given(...pendingAccount)
      .when(reissue(1, noon + MINUTE))
      .thenThrows(new ActivationCodeNotUndeliverable(1));
  });

  it('is refused a second time', () => {
    given(...undeliverable, codeIssued(2, noon + MINUTE))
      .when(reissue(1, noon + MINUTE))
      .thenThrows(new ActivationCodeNotUndeliverable(1));
  });

  it('is refused for an account that is active or does not exist', () => {
    given(...activeAccount)
      .when(reissue(1, noon + MINUTE))
      .thenThrows(new AccountAlreadyActive(noon + 10 * SECOND));
    given().when(reissue(1, noon)).thenThrows(new AccountNotRegistered());
  });
});
