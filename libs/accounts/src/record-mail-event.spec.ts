import { describe, expect, it } from '@jest/globals';
import { accountDecider } from './account-decider.js';
import { ActivationCodeMissing } from './account-errors.js';
import { isCodeToBeSent } from './account.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { RecordMailEvent } from './record-mail-event.js';
import {
  accountRegistered,
  ada,
  activeAccount,
  codeIssued,
  exampleCode,
  exampleNonce,
  mailBounced,
  mailDelivered,
  mailReportedAsSpam,
  MINUTE,
  noon,
  pendingAccount,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);
const at = noon + SECOND;

function heard(change: Partial<RecordMailEvent> = {}): RecordMailEvent {
  return {
    type: 'RecordMailEvent',
    issueNumber: 1,
    kind: 'delivered',
    occurredAt: at,
    providerEventId: 'delivered 1',
    ...change,
  };
}

const bounced = heard({ kind: 'bounced-permanently', providerEventId: 'bounced 1' });

describe('What the provider reports of a mail', () => {
  it('becomes a fact of the account', () => {
    given(...pendingAccount)
      .when(heard())
      .then(mailDelivered(1, at));
    given(...pendingAccount)
      .when(bounced)
      .then(mailBounced(1, 'permanent', at));
    given(...pendingAccount)
      .when(heard({ kind: 'bounced-transiently', providerEventId: 'bounced 1' }))
      .then(mailBounced(1, 'transient', at));
    given(...pendingAccount)
      .when(heard({ kind: 'reported-as-spam', providerEventId: 'reported 1' }))
      .then(mailReportedAsSpam(1, at));
  });

  it('is recorded once, however often the provider reports it', () => {
    given(...pendingAccount, mailDelivered(1, at))
      .when(heard({ occurredAt: at + MINUTE }))
      .then();
    given(...activeAccount, mailDelivered(1, at))
      .when(heard())
      .then();
  });

  it('is recorded of an account that is active by now, and of a code that was replaced', () => {
    given(...activeAccount)
      .when(heard())
      .then(mailDelivered(1, at));
    given(...pendingAccount, codeIssued(2, noon + MINUTE))
      .when(heard())
      .then(mailDelivered(1, at));
  });

  it('is not recorded of a mail that was never sent, nor of an address that is not registered', () => {
    for (const issueNumber of [-1, 0, 2]) {
      given(...pendingAccount)
        .when(heard({ issueNumber }))
        .then();
      given(...activeAccount)
        .when(heard({ issueNumber }))
        .then();
    }
    given(accountRegistered()).when(heard()).then();
    given().when(heard()).then();
  });
});

describe('A mail that came back', () => {
  const guess = {
    type: 'ActivateAccount',
    provenClaim: 1,
    guess: exampleCode(1),
    expected: { issueNumber: 1, code: exampleCode(1) },
    nonce: exampleNonce(2),
    keyId: ada.keyId,
    now: noon + 2 * SECOND,
  } as const;

  it('for good makes its code undeliverable', () => {
    given(...pendingAccount, mailBounced(1, 'permanent', at))
      .when(guess)
      .thenThrows(new ActivationCodeMissing());
  });

  it('for good before its dispatch was on record is not sent again', () => {
    const { state } = given(accountRegistered(), codeIssued(), mailBounced(1, 'permanent', at));
    expect(isCodeToBeSent(state, 1)).toBe(false);
  });

  it('for the time being, or was called spam, leaves its code as it is', () => {
    for (const fact of [mailBounced(1, 'transient', at), mailReportedAsSpam(1, at)]) {
      const decided = given(...pendingAccount, fact).when(guess);
      expect(decided.events.map(({ type }) => type)).toEqual(['AccountActivated']);
    }
  });

  it('with a code that was replaced leaves the newest as it is', () => {
    const { state } = given(
      ...pendingAccount,
      codeIssued(2, noon + MINUTE),
      mailBounced(1, 'permanent', noon + MINUTE),
    );
    expect(isCodeToBeSent(state, 2)).toBe(true);
  });
});
