import { evolve, initialState, type Account } from './account.js';
import type { AccountEvent } from './account-events.js';
import { lapseRegistration, type LapseRegistration } from './lapse-registration.js';
import { activateAccount, type ActivateAccount } from './activate-account.js';
import { assertActivationPolicy, type ActivationPolicy } from './activation-policy.js';
import {
  recordActivationCodeSent,
  type RecordActivationCodeSent,
} from './record-activation-code-sent.js';
import {
  recordActivationCodeUndeliverable,
  type RecordActivationCodeUndeliverable,
} from './record-activation-code-undeliverable.js';
import { recordMailEvent, type RecordMailEvent } from './record-mail-event.js';
import {
  recordOwnerNoticeUndeliverable,
  type RecordOwnerNoticeUndeliverable,
} from './record-owner-notice-undeliverable.js';
import { recordOwnerNotified, type RecordOwnerNotified } from './record-owner-notified.js';
import { registerAccount, type RegisterAccount } from './register-account.js';
import { requestActivationCode, type RequestActivationCode } from './request-activation-code.js';
import { upgradePasswordHash, type UpgradePasswordHash } from './upgrade-password-hash.js';

export type AccountCommand =
  | RegisterAccount
  | RequestActivationCode
  | UpgradePasswordHash
  | ActivateAccount
  | LapseRegistration
  | RecordActivationCodeSent
  | RecordActivationCodeUndeliverable
  | RecordMailEvent
  | RecordOwnerNotified
  | RecordOwnerNoticeUndeliverable;

export interface AccountDecider {
  /**
   * The facts that follow from the command, none when nothing changes. Pure: clock, nonces, hashes and
   * codes arrive inside the command.
   *
   * @throws AccountError naming the rule that refuses the command
   */
  decide(command: AccountCommand, state: Account): AccountEvent[];
  evolve(state: Account, event: AccountEvent): Account;
  readonly initialState: Account;
}

/** @throws RangeError when the policy is not one */
export function accountDecider(policy: ActivationPolicy): AccountDecider {
  assertActivationPolicy(policy);
  return {
    decide(command, state) {
      switch (command.type) {
        case 'RegisterAccount':
          return registerAccount(command, state, policy);
        case 'RequestActivationCode':
          return requestActivationCode(command, state, policy);
        case 'UpgradePasswordHash':
          return upgradePasswordHash(command, state);
        case 'ActivateAccount':
          return activateAccount(command, state, policy);
        case 'LapseRegistration':
          return lapseRegistration(command, state);
        case 'RecordActivationCodeSent':
          return recordActivationCodeSent(command, state, policy);
        case 'RecordActivationCodeUndeliverable':
          return recordActivationCodeUndeliverable(command, state);
        case 'RecordMailEvent':
          return recordMailEvent(command, state);
        case 'RecordOwnerNotified':
          return recordOwnerNotified(command, state);
        case 'RecordOwnerNoticeUndeliverable':
          return recordOwnerNoticeUndeliverable(command, state);
      }
    },
    evolve,
    initialState,
  };
}
