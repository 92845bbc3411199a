import { isRegistered, type Account } from './account.js';
import {
  AccountAlreadyActive,
  AccountNotRegistered,
  ActivationCodeNotUndeliverable,
} from './account-errors.js';
import type { AccountEvent, Instant } from './account-events.js';
import { claimFor } from './claims.js';
import { nextCode } from './request-activation-code.js';

/** An operator has a new code sent in place of one that could not be delivered. */
export interface ReissueActivationCode {
  readonly type: 'ReissueActivationCode';
  /** The issue that could not be delivered. */
  readonly issueNumber: number;
  /** 16 random bytes, lower-case hexadecimal. */
  readonly nonce: string;
  /** Names the master key to derive the code from. */
  readonly keyId: string;
  readonly now: Instant;
}

/**
 * The limits of new codes protect a mailbox from mails and do not apply: this mail never arrived. The
 * budgets of guesses apply to the new code as to any other, and it counts against later requests.
 *
 * @throws AccountNotRegistered, AccountAlreadyActive, ActivationCodeNotUndeliverable
 */
export function reissueActivationCode(
  command: ReissueActivationCode,
  state: Account,
): AccountEvent[] {
  if (!isRegistered(state)) throw new AccountNotRegistered();
  if (state.status === 'active') throw new AccountAlreadyActive(state.activatedAt);
  const { claims, code } = state;
  const claim = code && claimFor(claims, code.askedBy.network);
  const isUndeliverable = code?.delivery.status === 'undeliverable';
  if (claim === undefined || code?.issueNumber !== command.issueNumber || !isUndeliverable) {
    throw new ActivationCodeNotUndeliverable(command.issueNumber);
  }
  return [nextCode(command, claim.number, code.issueNumber, code.form)];
}
