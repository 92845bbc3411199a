import { describe, expect, it } from '@jest/globals';
import { deliveryDeadline, isCodeToBeSent } from './account.js';
import { accountDecider } from './account-decider.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { RecordActivationCodeSent } from './record-activation-code-sent.js';
import type { RecordActivationCodeUndeliverable } from './record-activation-code-undeliverable.js';
import {
  accountActivated,
  accountRegistered,
  activeAccount,
  codeIssued,
  codeSent,
  codeUndeliverable,
  MINUTE,
  noon,
  SECOND,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);

const awaiting = [accountRegistered(), codeIssued()];

function sent(issueNumber: number, sentAt: number): RecordActivationCodeSent {
  return {
    type: 'RecordActivationCodeSent',
    issueNumber,
    sentAt,
    providerMessageId: `message-${issueNumber}`,
  };
}

function undeliverable(issueNumber: number, now: number): RecordActivationCodeUndeliverable {
  return {
    type: 'RecordActivationCodeUndeliverable',
    issueNumber,
    reason: 'refused by the provider',
    attempts: 1,
    now,
  };
}

/** Histories in which issue 1 no longer waits to be mailed. */
const settled = {
  'is recorded as sent': [...awaiting, codeSent(1, noon + SECOND)],
  'was given up': [...awaiting, codeUndeliverable(1, noon + SECOND)],
  'was replaced by a newer one': [...awaiting, codeIssued(2, noon + MINUTE)],
  'activated the account': activeAccount,
  'activated the account before its dispatch was on record': [
    ...awaiting,
    accountActivated(1, noon + SECOND),
  ],
  'was never issued': [],
};

describe('Recording that a code was sent', () => {
  it('starts its minute when the provider accepted the mail', () => {
    const decided = given(...awaiting).when(sent(1, noon + 2 * SECOND));
    decided.then(codeSent(1, noon + 2 * SECOND));
    expect(decided.state).toMatchObject({
      code: { delivery: { sentAt: noon + 2 * SECOND, expiresAt: noon + 62 * SECOND } },
    });
  });

  for (const [what, history] of Object.entries(settled)) {
    it(`changes nothing when the issue ${what}`, () => {
      given(...history)
        .when(sent(1, noon + 2 * MINUTE))
        .then();
    });
  }
});

describe('Recording that a code cannot be delivered', () => {
  it('gives the issue up', () => {
    const decided = given(...awaiting).when(undeliverable(1, noon + MINUTE));
    decided.then(codeUndeliverable(1, noon + MINUTE));
    expect(decided.state).toMatchObject({ code: { delivery: { status: 'undeliverable' } } });
  });

  for (const [what, history] of Object.entries(settled)) {
    it(`changes nothing when the issue ${what}`, () => {
      given(...history)
        .when(undeliverable(1, noon + 2 * MINUTE))
        .then();
    });
  }
});

describe('A code waits to be sent', () => {
  it('when it is the newest of a pending account and nothing is known of its delivery', () => {
    expect(isCodeToBeSent(given(...awaiting).state, 1)).toBe(true);
    expect(isCodeToBeSent(given(...awaiting).state, 2)).toBe(false);
    expect(isCodeToBeSent(given(...awaiting, codeIssued(2, noon + MINUTE)).state, 2)).toBe(true);
  });

  for (const [what, history] of Object.entries(settled)) {
    it(`no longer when it ${what}`, () => {
      expect(isCodeToBeSent(given(...history).state, 1)).toBe(false);
    });
  }

  it('for 15 minutes', () => {
    const { state } = given(...awaiting);
    if (!isCodeToBeSent(state, 1)) throw new Error('expected a code to be sent');
    expect(deliveryDeadline(state.code, defaultActivationPolicy)).toBe(noon + 15 * MINUTE);
  });
});
