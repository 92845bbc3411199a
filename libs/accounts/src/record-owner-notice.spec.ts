import { describe, expect, it } from '@jest/globals';
import { deliveryDeadline, isNoticeToBeSent } from './account.js';
import { accountDecider } from './account-decider.js';
import { defaultActivationPolicy } from './activation-policy.js';
import type { RecordOwnerNoticeUndeliverable } from './record-owner-notice-undeliverable.js';
import type { RecordOwnerNotified } from './record-owner-notified.js';
import {
  activeAccount,
  DAY,
  MINUTE,
  noon,
  ownerNoticeIssued,
  ownerNoticeUndeliverable,
  ownerNotified,
  pendingAccount,
} from './testing/account-examples.js';
import { givenWhenThen } from './testing/given-when-then.js';

const given = givenWhenThen(accountDecider(defaultActivationPolicy), expect);

const awaiting = [...activeAccount, ownerNoticeIssued(1, noon + MINUTE)];
const at = noon + 2 * MINUTE;

const notified: RecordOwnerNotified = {
  type: 'RecordOwnerNotified',
  noticeNumber: 1,
  sentAt: at,
  providerMessageId: 'notice-1',
};
const undeliverable: RecordOwnerNoticeUndeliverable = {
  type: 'RecordOwnerNoticeUndeliverable',
  noticeNumber: 1,
  reason: 'refused by the provider',
  attempts: 2,
  now: at,
};

/** Histories in which notice 1 no longer waits to be mailed. */
const settled = {
  'is recorded as sent': [...awaiting, ownerNotified(1, at)],
  'was given up': [...awaiting, ownerNoticeUndeliverable(1, at)],
  'was followed by a newer one': [...awaiting, ownerNoticeIssued(2, noon + 2 * DAY)],
  'was never issued': activeAccount,
  'belongs to an account that is not active': [
    ...pendingAccount,
    ownerNoticeIssued(1, noon + MINUTE),
  ],
};

describe('A notice to the owner', () => {
  it('waits to be sent until something is known of it', () => {
    const { state } = given(...awaiting);
    if (!isNoticeToBeSent(state, 1)) throw new Error('expected a notice to be sent');
    expect(deliveryDeadline(state.ownerNotice, defaultActivationPolicy)).toBe(noon + 16 * MINUTE);
    expect(isNoticeToBeSent(state, 2)).toBe(false);
  });

  it('is recorded as sent, or as undeliverable', () => {
    given(...awaiting)
      .when(notified)
      .then(ownerNotified(1, at));
    given(...awaiting)
      .when(undeliverable)
      .then(ownerNoticeUndeliverable(1, at));
  });

  for (const [what, history] of Object.entries(settled)) {
    it(`changes nothing any more when it ${what}`, () => {
      expect(isNoticeToBeSent(given(...history).state, 1)).toBe(false);
      given(...history)
        .when(notified)
        .then();
      given(...history)
        .when(undeliverable)
        .then();
    });
  }

  it('that is reported under an old number leaves the newest waiting', () => {
    const { state } = given(
      ...awaiting,
      ownerNoticeIssued(2, noon + 2 * DAY),
      ownerNotified(1, noon + 2 * DAY),
    );
    expect(isNoticeToBeSent(state, 2)).toBe(true);
  });
});
